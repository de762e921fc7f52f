//! Pure core of the host: plans, diffs, merging, conditions, grants.
