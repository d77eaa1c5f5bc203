//! Logs with `tracing` and metrics for Prometheus. `main` installs both before anything else.

use std::{
    io::{IsTerminal, stdout},
    str::FromStr,
};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt, util::TryInitError};

use crate::settings::Environment;

/// The upper bounds of the buckets of every histogram whose name ends in `_seconds`.
const SECONDS: [f64; 16] =
    [0.000_5, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The upper bounds of the buckets of every histogram whose name ends in `_size`.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The format and the level of the log.
#[derive(Debug)]
pub struct TelemetrySettings {
    /// `FOLDLINE_LOG_FORMAT` (`pretty`): `pretty` for humans, `json` for machines.
    pub format: LogFormat,
    /// `FOLDLINE_LOG` (`info`): filter directives, such as `info,rdkafka=warn`.
    pub filter: EnvFilter,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Coloured text.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The format is neither `pretty` nor `json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected pretty or json")]
pub struct InvalidLogFormat;

/// Why telemetry could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The process already has a log.
    #[error("the log is already installed")]
    Log(#[from] TryInitError),
    /// The process already has a metrics recorder.
    #[error("the metrics recorder is already installed")]
    Metrics(#[from] BuildError),
}

impl TelemetrySettings {
    /// Reads the settings.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            format: environment.get("FOLDLINE_LOG_FORMAT", "pretty"),
            filter: environment.get("FOLDLINE_LOG", "info"),
        }
    }
}

impl FromStr for LogFormat {
    type Err = InvalidLogFormat;

    fn from_str(text: &str) -> Result<Self, InvalidLogFormat> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(InvalidLogFormat),
        }
    }
}

/// Installs the log and the metrics recorder of this process. The returned handle renders the metrics.
pub fn install(settings: TelemetrySettings) -> Result<PrometheusHandle, TelemetryError> {
    let log = tracing_subscriber::registry().with(settings.filter);
    match settings.format {
        // Colours would be escape sequences in a file.
        LogFormat::Pretty => log.with(fmt::layer().with_ansi(stdout().is_terminal())).try_init()?,
        LogFormat::Json => {
            log.with(fmt::layer().json().flatten_event(true).with_span_list(false)).try_init()?;
        }
    }
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?
        .install_recorder()?)
}
