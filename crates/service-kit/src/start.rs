//! The first steps of every service: logs and metrics, settings, signals, the admin port.

use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, AdminSettings},
    health::Health,
    settings::{Environment, SettingsError},
    shutdown,
    telemetry::{self, TelemetryError, TelemetrySettings},
};

/// The parts that every service has once it has started.
#[derive(Debug)]
pub struct Start<S> {
    /// The service's own settings.
    pub settings: S,
    /// The health that the admin port reports.
    pub health: Health,
    /// Cancelled when the service is asked to shut down.
    pub shutdown: CancellationToken,
}

/// Why a service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log or the metrics cannot be installed.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A setting cannot be parsed, or is probably misspelt.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The admin port cannot be bound, or signals cannot be received.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Starts a service, whose own settings are read by `read`. Health and metrics are served at `admin_address`, unless
/// `FOLDLINE_ADMIN_ADDRESS` is set.
pub async fn start<S>(
    admin_address: &str,
    read: impl FnOnce(&mut Environment) -> S,
) -> Result<Start<S>, StartError> {
    let mut environment = Environment::of_process();
    let metrics = telemetry::install(TelemetrySettings::read(&mut environment))?;
    let admin = AdminSettings::read(&mut environment, admin_address);
    let settings = read(&mut environment);
    environment.finish()?;

    let shutdown = shutdown::on_signal()?;
    let health = Health::default();
    tokio::spawn(admin::serve(admin.listen().await?, health.clone(), metrics));
    Ok(Start { settings, health, shutdown })
}
