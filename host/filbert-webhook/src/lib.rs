//! Admission over HTTPS: an API server asks about every create, update and delete of the kinds that pipelines name, and the
//! guests that default and validate answer.
//!
//! | module | does |
//! | --- | --- |
//! | [`review`] | reads what the API server asks; pure |
//! | [`judge`] | asks the guests of a pipeline |
//! | [`answer`] | writes what the API server is told; pure |
//! | [`router`] | the paths, and what is said of requests that are no reviews |
//! | [`serve`] | HTTPS with a certificate that can be replaced |

pub mod answer;
pub mod judge;
pub mod review;
pub mod router;
pub mod serve;

pub use answer::{Answer, Decision};
pub use judge::{Judge, Webhook};
pub use review::{Malformed, Request};
pub use serve::{Credentials, Server};
