//! The client of the schema registry, which resolves the schema id in a payload.

use std::{error::Error, time::Duration};

use apache_avro::Schema;
use reqwest::StatusCode;
use schema_registry_converter::{
    async_impl::schema_registry::{SrSettings, get_schema_by_id, post_schema},
    error::SRCError,
    schema_registry_common::{RawError, SchemaType, SuppliedSchema},
};

/// How long one call may take, so that an unavailable registry is noticed.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The error code of a registry for an unknown schema id.
const SCHEMA_NOT_FOUND: u32 = 40403;

/// A client of a registry that implements the Confluent API.
#[derive(Debug, Clone)]
pub struct Registry {
    settings: SrSettings,
    http: reqwest::Client,
    url: String,
}

/// The registry did not answer, or refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A schema could not be read or registered.
    #[error("schema registry: {0}")]
    Schema(#[from] SRCError),
    /// The compatibility rule of a subject could not be set.
    #[error("schema registry: {0}")]
    Http(#[from] reqwest::Error),
    /// The schema with this id is not an Avro schema.
    #[error("schema {id} of the registry is not avro: {source}")]
    NotAvro {
        /// The id of the schema.
        id: u32,
        /// The error of the parser.
        source: Box<apache_avro::Error>,
    },
}

impl RegistryError {
    /// Whether a retry can help: the registry did not answer.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Schema(error) => {
                !error.source().is_some_and(<dyn Error>::is::<RawError>) || error.retriable
            }
            // A conflict: another instance sets the same rule at the same time.
            Self::Http(error) => {
                error.status().is_none_or(|status| status.is_server_error() || status == StatusCode::CONFLICT)
            }
            Self::NotAvro { .. } => false,
        }
    }

    /// Whether the registry answered that the schema is not there or is not valid. A registry that is unavailable, or
    /// denies access, says nothing about a schema.
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
    /// A client for the registry at `url`, such as `http://host:port/apis/ccompat/v7`. It connects on first use.
    pub fn new(url: &str) -> Result<Self, RegistryError> {
        let settings = SrSettings::new_builder(url.to_owned()).set_timeout(TIMEOUT).build()?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { settings, http, url: url.trim_end_matches('/').to_owned() })
    }

    /// Registers a schema under a subject and returns its id. It is idempotent.
    pub async fn register(&self, subject: &str, text: &str) -> Result<u32, RegistryError> {
        let schema = SuppliedSchema::new(None, SchemaType::Avro, text.to_owned());
        Ok(post_schema(&self.settings, subject.to_owned(), schema).await?.id)
    }

    /// Requires that every version of the subject can read every other (`FULL_TRANSITIVE`).
    pub async fn require_full_compatibility(&self, subject: &str) -> Result<(), RegistryError> {
        let body = serde_json::json!({ "compatibility": "FULL_TRANSITIVE" });
        let url = format!("{}/config/{subject}", self.url);
        self.http.put(url).json(&body).send().await?.error_for_status()?;
        Ok(())
    }

    /// Checks that the registry answers.
    pub async fn is_there(&self) -> Result<(), RegistryError> {
        let url = format!("{}/config", self.url);
        self.http.get(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// The schema with this id.
    pub async fn schema(&self, id: u32) -> Result<Schema, RegistryError> {
        let registered = get_schema_by_id(id, &self.settings).await?;
        Schema::parse_str(&registered.schema)
            .map_err(|source| RegistryError::NotAvro { id, source: Box::new(source) })
    }
}
