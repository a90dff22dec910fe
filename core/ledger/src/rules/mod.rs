//! What holds whatever the backend: plain functions without SQL, so that a second backend cannot decide otherwise.

pub(crate) mod closing;
pub(crate) mod configure;
pub(crate) mod fair;
pub(crate) mod frames;
mod groups;
pub(crate) mod incident_book;
mod incidents;
pub(crate) mod missed;
pub(crate) mod overlap;
pub(crate) mod places;
pub(crate) mod references;
pub(crate) mod removal;
pub(crate) mod retry;
pub(crate) mod tell;
pub(crate) mod tell_access;
pub(crate) mod tell_delivery;
