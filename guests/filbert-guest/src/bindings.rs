//! Raw bindings, made from `wit/` while compiling: one set for the reads, one for each role on top of its types.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction, reason = "generated")]
#![allow(unsafe_code, reason = "generated: the canonical ABI passes pointers")]

pub mod reads {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "filbert:operator/imports@0.1.0",
        additional_derives: [PartialEq],
    });
}

macro_rules! role {
    ($module:ident, $world:literal, $path:literal, $macro:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $path,
                additional_derives: [PartialEq],
                with: {
                    "filbert:operator/types@0.1.0": crate::bindings::reads::filbert::operator::types,
                    "filbert:operator/reviews@0.1.0": crate::bindings::reads::filbert::operator::reviews,
                    "filbert:operator/objects@0.1.0": crate::bindings::reads::filbert::operator::objects,
                    "filbert:operator/clusters@0.1.0": crate::bindings::reads::filbert::operator::clusters,
                    "filbert:operator/time@0.1.0": crate::bindings::reads::filbert::operator::time,
                    "filbert:operator/certificates@0.1.0": crate::bindings::reads::filbert::operator::certificates,
                    "filbert:operator/platform@0.1.0": crate::bindings::reads::filbert::operator::platform,
                    "filbert:operator/log@0.1.0": crate::bindings::reads::filbert::operator::log,
                },
            });
        }
    };
}

role!(module, "filbert:operator/describing@0.1.0", "filbert_guest::__private::module", "export_raw_module");
role!(defaulting, "filbert:operator/defaulter@0.1.0", "filbert_guest::__private::defaulting", "export_raw_defaulting");
role!(validation, "filbert:operator/validator@0.1.0", "filbert_guest::__private::validation", "export_raw_validation");
role!(step, "filbert:operator/stepper@0.1.0", "filbert_guest::__private::step", "export_raw_step");
