use std::thread;

use tokio_util::sync::CancellationToken;

/// Reports when the thread that owns it panics. A write side without one of its threads cannot serve, so the process has to
/// end and leave the shards to another instance.
pub struct PanicGuard(pub(crate) CancellationToken);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.cancel();
        }
    }
}
