//! Defaults and validation of the kinds that Kubernetes brings with it.
