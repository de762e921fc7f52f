use super::*;
use proptest::prelude::*;
use serde_json::json;

fn set(fields: &Value) -> FieldSet {
    FieldSet::decode(fields).expect("the fields can be read")
}

#[test]
fn a_dot_marks_a_path_that_has_something_below() {
    let fields = json!({"f:data": {".": {}, "f:a": {}}, "f:spec": {"f:b": {}}});
    assert_eq!(set(&fields).paths(), [".data", ".data.a", ".spec.b"]);
    assert_eq!(set(&fields).encode(), fields);
}

#[test]
fn keys_are_written_fields_first_then_items_by_key_and_value() {
    let fields = json!({"v:\"x\"": {}, "k:{\"name\":\"b\"}": {}, "f:z": {}, "i:0": {}, "k:{\"name\":\"a\"}": {}});
    assert_eq!(set(&fields).paths(), [".z", "[name=\"a\"]", "[name=\"b\"]", "[=\"x\"]", "[0]"]);
}

#[test]
fn numbers_in_keys_are_ordered_by_size() {
    let fields = json!({"k:{\"port\":9}": {}, "k:{\"port\":10}": {}, "k:{\"port\":9.5}": {}});
    assert_eq!(set(&fields).paths(), ["[port=9]", "[port=9.5]", "[port=10]"]);
}

#[test]
fn nonsense_is_no_set() {
    for fields in [json!({"nonsense": {}}), json!({"k:[]": {}}), json!({"i:x": {}}), json!({"f:a": {"x:b": {}}})] {
        assert!(FieldSet::decode(&fields).is_err(), "{fields}");
    }
}

#[test]
fn taking_a_path_away_leaves_what_is_below_unless_it_is_deep() {
    let all = set(&json!({"f:a": {".": {}, "f:b": {}}}));
    let parent = set(&json!({"f:a": {}}));
    assert_eq!(all.clone().difference(&parent).paths(), [".a.b"]);
    assert!(all.deep_difference(&parent).is_empty());
}

fn element() -> impl Strategy<Value = PathElement> {
    prop_oneof![
        "[a-c]".prop_map(PathElement::Field),
        (0..3_i64, "[xy]").prop_map(|(port, name)| PathElement::Key(vec![
            ("name".into(), name.into()),
            ("port".into(), port.into())
        ])),
        "[p-r]".prop_map(|text| PathElement::Value(text.into())),
        (0..3_usize).prop_map(PathElement::Index),
    ]
}

fn paths() -> impl Strategy<Value = Vec<Vec<PathElement>>> {
    prop::collection::vec(prop::collection::vec(element(), 1..4), 0..12)
}

fn of(paths: &[Vec<PathElement>]) -> FieldSet {
    let mut set = FieldSet::new();
    for path in paths {
        let path: Vec<Cow<'_, PathElement>> = path.iter().map(Cow::Borrowed).collect();
        set.insert(&path);
    }
    set
}

proptest! {
    #[test]
    fn a_set_is_the_same_after_writing_and_reading_it(paths in paths()) {
        let set = of(&paths);
        prop_assert_eq!(FieldSet::decode(&set.encode()).expect("can be read"), set);
    }

    #[test]
    fn the_algebra_is_that_of_the_sets_of_paths(left in paths(), right in paths()) {
        let (left, right) = (of(&left), of(&right));
        let texts = |set: &FieldSet| set.paths().into_iter().collect::<std::collections::BTreeSet<_>>();
        let (l, r) = (texts(&left), texts(&right));
        prop_assert_eq!(texts(&left.union(&right)), &l | &r);
        prop_assert_eq!(texts(&left.intersection(&right)), &l & &r);
        prop_assert_eq!(texts(&left.clone().difference(&right)), &l - &r);
        prop_assert_eq!(left.is_subset_of(&right), l.is_subset(&r));
    }

    #[test]
    fn what_is_taken_away_and_put_back_is_the_whole(left in paths(), right in paths()) {
        let (left, right) = (of(&left), of(&right));
        prop_assert_eq!(left.clone().difference(&right).union(&left.intersection(&right)), left);
    }

    #[test]
    fn a_deep_difference_has_nothing_below_what_was_taken(left in paths(), right in paths()) {
        let (left, right) = (of(&left), of(&right));
        let rest = left.clone().deep_difference(&right);
        prop_assert!(rest.is_subset_of(&left));
        for path in rest.paths() {
            prop_assert!(!right.paths().iter().any(|taken| path.starts_with(taken.as_str())), "{}", path);
        }
    }
}
