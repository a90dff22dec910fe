//! How much of a list is shown, and from where on.

use clap::Args;

/// What every long list takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Paging {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
    /// Go on where a list ended: its `next`, which --output json prints.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}
