//! What the API needs of whoever tries handlers and templates out. How that is done is notify's matter.

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_notify::trial::{Preview, Tested, Tried};
use ironcore_notify::{Notify, TemplateError};

/// Tries handlers and templates out.
pub trait Trials: Send + Sync + 'static {
    /// Sends a test message now, and says how it ended.
    fn test(&self, tried: Tried) -> BoxFuture<'_, Tested>;

    /// What the handler would send, with a text in the place of a template when one is given: its name, and the text.
    fn preview(
        &self,
        tried: Tried,
        template: Option<(String, String)>,
    ) -> BoxFuture<'_, Result<Preview, TemplateError>>;

    /// What is wrong with the templates of the admin's folder.
    fn template_faults(&self) -> Vec<TemplateError>;
}

impl Trials for Notify {
    fn test(&self, tried: Tried) -> BoxFuture<'_, Tested> {
        Notify::test(self, tried).boxed()
    }

    fn preview(
        &self,
        tried: Tried,
        template: Option<(String, String)>,
    ) -> BoxFuture<'_, Result<Preview, TemplateError>> {
        Notify::preview(self, tried, template).boxed()
    }

    fn template_faults(&self) -> Vec<TemplateError> {
        self.templates().faults()
    }
}
