//! The schema registry: where the ids inside of every event lead to their schemas.

use std::{error::Error, time::Duration};

use apache_avro::Schema;
use reqwest::StatusCode;
use schema_registry_converter::{
    async_impl::schema_registry::{SrSettings, get_schema_by_id, post_schema},
    error::SRCError,
    schema_registry_common::{RawError, SchemaType, SuppliedSchema},
};

/// How long one call may take, so that a dead registry is noticed.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What a registry answers where no schema has the id.
const SCHEMA_NOT_FOUND: u32 = 40403;

/// A client of a registry that speaks the Confluent protocol.
#[derive(Debug, Clone)]
pub struct Registry {
    settings: SrSettings,
    http: reqwest::Client,
    url: String,
}

/// The registry could not answer, or refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A schema could not be read or registered.
    #[error("schema registry: {0}")]
    Schema(#[from] SRCError),
    /// The compatibility rule of a subject could not be set.
    #[error("schema registry: {0}")]
    Http(#[from] reqwest::Error),
    /// The registry holds something that is not an Avro schema under this id.
    #[error("schema {id} of the registry is not avro: {source}")]
    NotAvro {
        /// The id that was asked for.
        id: u32,
        /// What the parser said.
        source: Box<apache_avro::Error>,
    },
}

impl RegistryError {
    /// Whether trying again can help: the registry did not answer, rather than refuse or not know.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Schema(error) => {
                !error.source().is_some_and(<dyn Error>::is::<RawError>) || error.retriable
            }
            // A conflict: another instance sets the same rule at this moment.
            Self::Http(error) => {
                error.status().is_none_or(|status| status.is_server_error() || status == StatusCode::CONFLICT)
            }
            Self::NotAvro { .. } => false,
        }
    }

    /// Whether the registry has answered, and what was asked for is not there or not a schema. Nothing else is the
    /// fault of who asked: a registry that is down, or keeps callers out, says nothing about a schema.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Schema(error) => error
                .source()
                .and_then(<dyn Error>::downcast_ref::<RawError>)
                .is_some_and(|raw| raw.error_code == SCHEMA_NOT_FOUND),
            Self::Http(_) => false,
            Self::NotAvro { .. } => true,
        }
    }
}

impl Registry {
    /// A client for the registry at `url`, as in `http://host:port/apis/ccompat/v7`. It connects when first used.
    pub fn new(url: &str) -> Result<Self, RegistryError> {
        let settings = SrSettings::new_builder(url.to_owned()).set_timeout(TIMEOUT).build()?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { settings, http, url: url.trim_end_matches('/').to_owned() })
    }

    /// Registers a schema under a subject and answers with its id; registering it again is harmless.
    pub async fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let schema = SuppliedSchema::new(None, SchemaType::Avro, text.to_owned());
        Ok(post_schema(&self.settings, subject.to_owned(), schema).await?.id)
    }

    /// From now on every version of the subject must be readable by every other, both ways.
    pub async fn require_full_compatibility(&self, subject: &str) -> Result<(), RegistryError> {
        let body = serde_json::json!({ "compatibility": "FULL_TRANSITIVE" });
        let url = format!("{}/config/{subject}", self.url);
        self.http.put(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }

    /// Asks the registry for something small, to see whether it answers.
    pub async fn is_there(&self) -> Result<(), RegistryError> {
        let url = format!("{}/config", self.url);
        self.http.get(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// The schema behind an id.
    pub async fn schema(&self, id: u32) -> Result<Schema, RegistryError> {
        let registered = get_schema_by_id(id, &self.settings).await?;
        Schema::parse_str(&registered.schema)
            .map_err(|source| RegistryError::NotAvro { id, source: Box::new(source) })
    }
}
