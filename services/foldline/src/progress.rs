use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error for work of so many steps, with its rate and the time left; nothing where nobody looks at it.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:32} {percent:>3} %  {human_pos} of {human_len}  {per_sec}  {eta} left",
    )
    .expect("the template is right");
    ProgressBar::new(steps).with_style(style)
}
