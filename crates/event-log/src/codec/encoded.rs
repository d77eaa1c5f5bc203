use aggregate::Payload;
use apache_avro::{AvroResult, error::Details, from_value, reader::datum::GenericDatumReader};
use serde::de::DeserializeOwned;

use super::{Codec, CodecError, MAGIC};

/// The length of the frame in bytes: the magic byte and the schema id.
const FRAME: usize = 5;

pub(super) fn unframe(payload: &[u8]) -> Result<(u32, &[u8]), CodecError> {
    match payload.split_at_checked(FRAME) {
        Some((&[MAGIC, a, b, c, d], datum)) => Ok((u32::from_be_bytes([a, b, c, d]), datum)),
        _ => Err(CodecError::NotFramed),
    }
}

/// The encoded payload of a message of a known type.
pub(super) struct Encoded<'a> {
    pub(super) codec: &'a Codec,
    pub(super) full_name: &'a str,
    pub(super) payload: &'a [u8],
}

impl Encoded<'_> {
    pub(super) fn read_with<T>(
        &self,
        read: impl Fn(&GenericDatumReader<'_>, &mut &[u8]) -> AvroResult<T>,
    ) -> Result<T, CodecError> {
        let (id, mut datum) = unframe(self.payload)?;
        let reader = self.codec.reader(id)?;
        if reader.full_name != self.full_name {
            let expected = self.full_name.to_owned();
            return Err(CodecError::OtherType { expected, found: reader.full_name });
        }
        let value = read(reader.datum, &mut datum).map_err(Box::new)?;
        if datum.is_empty() { Ok(value) } else { Err(CodecError::TrailingBytes(datum.len())) }
    }
}

impl Payload for Encoded<'_> {
    type Error = CodecError;

    fn read<T: DeserializeOwned>(self) -> Result<T, CodecError> {
        self.read_with(read_value_of)
    }
}

/// Decodes through a generic value if the type ignores a nested record, which apache-avro 0.22 cannot do directly. That
/// takes some microseconds longer.
fn read_value_of<T: DeserializeOwned>(reader: &GenericDatumReader<'_>, datum: &mut &[u8]) -> AvroResult<T> {
    let whole = *datum;
    match reader.read_deser(datum) {
        Err(error) if matches!(error.details(), Details::DeserializeIdentifier(_)) => {
            *datum = whole;
            from_value(&reader.read_value(datum)?)
        }
        read => read,
    }
}
