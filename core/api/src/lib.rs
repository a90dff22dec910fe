//! HTTP routes, access control, OpenAPI, server-sent events and the embedded dashboard.
