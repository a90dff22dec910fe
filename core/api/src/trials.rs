//! What the API needs of whoever tries handlers and templates out. How that is done is notify's matter.

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_notify::trial::{Preview, Tested, Tried};
use ironcore_notify::{Notify, TemplateError};
use ironcore_types::ProjectName;
use ironcore_types::notification::Handler;

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

    /// Project and destination of a handler as one text, by which limits go.
    fn lane(&self, project: Option<&ProjectName>, handler: &Handler) -> String;

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

    fn lane(&self, project: Option<&ProjectName>, handler: &Handler) -> String {
        Notify::lane(self, project, handler)
    }

    fn template_faults(&self) -> Vec<TemplateError> {
        self.templates().faults()
    }
}
