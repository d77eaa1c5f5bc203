use std::fmt;

use aggregate::{Message, Payload};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
};

/// Any event, as JSON text with the field names of its schema; the same text as `serde_json` writes for the event's own
/// type. It is only deserialized, and its name is in its envelope.
#[derive(Debug, Clone, Serialize)]
pub struct JsonEvent(String);

impl JsonEvent {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Message for JsonEvent {
    fn message_type(&self) -> &'static str {
        "JsonEvent"
    }

    fn decode<P: Payload>(_event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        payload.read().map(Some)
    }
}

/// Writes JSON while deserializing, without an intermediate value. `serde_json::Value` cannot be used: it deserializes
/// neither enums nor bytes.
impl<'de> Deserialize<'de> for JsonEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Vec::with_capacity(256);
        Transcoder(&mut json).deserialize(deserializer)?;
        String::from_utf8(json).map(Self).map_err(Error::custom)
    }
}

/// Appends one value to the JSON text.
struct Transcoder<'t>(&'t mut Vec<u8>);

impl Transcoder<'_> {
    fn write<E: Error>(self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        serde_json::to_writer(self.0, value).map_err(Error::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Transcoder<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Transcoder<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON can express")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.write(value)
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.write(value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<(), D::Error> {
        self.deserialize(some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let json = self.0;
        json.push(b'[');
        let mut end = json.len();
        while items.next_element_seed(Transcoder(&mut *json))?.is_some() {
            end = json.len();
            json.push(b',');
        }
        json.truncate(end);
        json.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let json = self.0;
        json.push(b'{');
        let mut end = json.len();
        while fields.next_key_seed(Transcoder(&mut *json))?.is_some() {
            json.push(b':');
            fields.next_value_seed(Transcoder(&mut *json))?;
            end = json.len();
            json.push(b',');
        }
        json.truncate(end);
        json.push(b'}');
        Ok(())
    }

    /// Writes an Avro enum as the name of its symbol.
    fn visit_enum<A: EnumAccess<'de>>(self, symbol: A) -> Result<(), A::Error> {
        symbol.variant_seed(self)?.1.unit_variant()
    }
}
