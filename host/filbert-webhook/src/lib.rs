//! Admission over HTTPS: an API server asks about every create, update and delete of the kinds that pipelines name, and the
//! guests that default and validate answer.
//!
//! | module | does |
//! | --- | --- |
//! | [`admission`] | all of it as one thing, on threads of its own |
//! | [`review`] | reads what the API server asks; pure |
//! | [`judge`] | asks the guests of a pipeline |
//! | [`answer`] | writes what the API server is told; pure |
//! | [`router`] | the paths, and what is said of requests that are no reviews |
//! | [`serve`] | HTTPS with a certificate that can be replaced |
//! | [`configuration`] | which requests the API server asks about, and where: from the pipelines; pure |
//! | [`registration`] | keeps these configurations in the cluster |
//! | [`certificate`] | makes certificates, and says what clients would think of them; pure but for the keys |
//! | [`rotation`] | when they are renewed and put to use; pure but for the keys |
//! | [`certificates`] | keeps them, in a Secret that replicas share or from files |

pub mod admission;
pub mod answer;
pub mod certificate;
pub mod certificates;
mod chain;
mod changes;
pub mod configuration;
pub mod judge;
mod lane;
pub mod registration;
pub mod review;
pub mod rotation;
pub mod router;
pub mod serve;

pub use admission::{Admission, AdmissionError, Options, Source};
pub use answer::{Answer, Decision};
pub use certificate::{Issued, Pair, issue};
pub use configuration::{HttpsUrl, Installation, Reach};
pub use judge::{Judge, Webhook};
pub use registration::withdraw;
pub use review::{Malformed, Request};
pub use serve::{Credentials, Server};
