use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on standard error with the rate and the time left; hidden if standard error is not a terminal.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:32} {percent:>3} %  {human_pos} of {human_len}  {per_sec}  {eta} left",
    )
    .expect("the template is valid");
    ProgressBar::new(steps).with_style(style)
}
