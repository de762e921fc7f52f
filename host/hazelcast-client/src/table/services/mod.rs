//! The rows, in files by subject.

macro_rules! files {
    ($($file:ident)*) => {$(
        #[allow(non_upper_case_globals, reason = "a body and its struct have one name")]
        pub(super) mod $file;
    )*};
}

files! { cache client collection cp dynamic_config executor jet map mc query transaction }
