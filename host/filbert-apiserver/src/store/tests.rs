use super::*;
use serde_json::json;

fn pods() -> CollectionId {
    CollectionId::new("", "pods")
}

fn pod(name: &str, mark: u32) -> (Key, Value) {
    (Key::new("harbor", name), json!({ "metadata": { "name": name, "namespace": "harbor" }, "mark": mark }))
}

#[test]
fn changes_are_told_in_order_and_once() {
    let store = Store::new(100);
    let (key, object) = pod("a", 1);
    let first = store.create(&pods(), key.clone(), object.clone(), 0).unwrap();
    let second = store.replace(&pods(), &key, first.revision, pod("a", 2).1, 0).unwrap();
    store.remove(&pods(), &key, second.revision, pod("a", 2).1).unwrap();
    let (all, complete) = store.since(&pods(), 0, 10).unwrap();
    assert_eq!(complete, store.revision());
    assert_eq!(all.iter().map(|change| change.deleted).collect::<Vec<_>>(), [false, false, true]);
    assert!(all.windows(2).all(|pair| pair[0].revision < pair[1].revision));
    assert_eq!(store.since(&pods(), second.revision, 10).unwrap().0.len(), 1);
}

#[test]
fn a_write_based_on_an_old_state_is_refused() {
    let store = Store::new(100);
    let (key, object) = pod("a", 1);
    let first = store.create(&pods(), key.clone(), object, 0).unwrap();
    store.replace(&pods(), &key, first.revision, pod("a", 2).1, 0).unwrap();
    assert!(matches!(store.replace(&pods(), &key, first.revision, pod("a", 3).1, 0), Err(Refused::Changed)));
}

#[test]
fn a_list_of_an_old_revision_shows_what_was_there() {
    let store = Store::new(100);
    let (key, object) = pod("a", 1);
    let first = store.create(&pods(), key.clone(), object, 0).unwrap();
    store.replace(&pods(), &key, first.revision, pod("a", 2).1, 0).unwrap();
    let (other, object) = pod("b", 1);
    store.create(&pods(), other, object, 0).unwrap();
    let then = store.list_at(&pods(), Some("harbor"), None, first.revision).unwrap();
    assert_eq!(then.objects.len(), 1);
    assert_eq!(then.objects[0].value()["mark"], 1);
    assert_eq!(store.list(&pods(), None, None).objects.len(), 2);
}

#[test]
fn forgotten_changes_are_named_instead_of_skipped() {
    let store = Store::new(2);
    for name in ["a", "b", "c", "d"] {
        let (key, object) = pod(name, 1);
        store.create(&pods(), key, object, 0).unwrap();
    }
    assert!(store.since(&pods(), 2, 10).is_err());
    assert_eq!(store.since(&pods(), 3, 10).unwrap().0.len(), 2);
    store.compact();
    assert!(store.since(&pods(), 3, 10).is_err());
    assert_eq!(store.since(&pods(), store.revision(), 10).unwrap().0.len(), 0);
}
