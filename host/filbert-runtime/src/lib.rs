//! The controller: which objects need a pass, what a pass does, and which modules serve it.
//!
//! A pass has four phases, and only one of them acts:
//!
//! | phase | module | may touch the cluster |
//! | --- | --- | --- |
//! | observe | [`observe`]: reads of guests, answered from caches, remembered as the read set | no |
//! | plan | [`plan`]: guests are called, or their kept answers used | no |
//! | apply | [`apply`]: effects within the grant, where something would change | yes |
//! | report | [`report`]: status, conditions, events | yes, the object's status only |
//!
//! [`pass`] strings them together for one object, [`host`] runs passes for all, [`library`] holds the modules, [`publish`]
//! tells how they stand. [`contest`] keeps two writers of one field from fighting for ever.

pub mod apply;
pub mod clock;
pub mod contest;
pub mod host;
pub mod journal;
pub mod library;
pub mod observe;
pub mod pass;
pub mod plan;
pub mod publish;
pub mod queue;
pub mod report;

pub use clock::{Clock, SystemClock};
pub use contest::{Contest, Patience};
pub use host::{Host, Settings, Watching};
pub use journal::{Described, Effect, EffectKind, PassOutcome, PassRecord, ReviewRecord, StepOutcome, StepRecord};
pub use library::{InService, Library, LibraryError, ModuleState, PipelineState, Serving};
pub use plan::Cost;
