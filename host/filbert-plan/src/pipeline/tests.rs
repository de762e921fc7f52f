use serde_json::json;

use super::*;
use crate::description::{ReviewSubject, StepDescription};

struct Loaded(Vec<Description>);

impl Modules for Loaded {
    fn description(&self, module: &str) -> Option<&Description> {
        self.0.iter().find(|known| known.name == module)
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|known| known.name.clone()).collect()
    }

    fn refuses(&self, _: &Value, parameters: &Value) -> Option<String> {
        parameters.get("wrong").map(|wrong| format!("{wrong} is wrong"))
    }
}

fn kites() -> ResourceType {
    ResourceType::new("example.dev", "v1", "kites")
}

fn step(name: &str, leaves: &[&str], needs: &[&str]) -> StepDescription {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    StepDescription {
        name: name.to_owned(),
        summary: String::new(),
        takes: vec![kites()],
        parameters: json!({}),
        finalizes: false,
        leaves: texts(leaves),
        needs: texts(needs),
    }
}

fn loaded() -> Loaded {
    let subject = ReviewSubject { resource: kites(), parameters: json!({}) };
    Loaded(vec![Description {
        name: "wind".to_owned(),
        steps: vec![step("measure", &["speed"], &[]), step("fly", &[], &["measure/speed"])],
        validates: vec![subject],
        ..Description::default()
    }])
}

/// A pipeline's parts, and all that is wrong with it.
fn errors(spec: &Value) -> Vec<String> {
    let mut whole = json!({"resource": {"group": "example.dev", "version": "v1", "plural": "kites"}});
    for (name, value) in spec.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    let spec: PipelineSpec = serde_json::from_value(whole).expect("a pipeline");
    check("kites", &spec, &loaded()).iter().map(ToString::to_string).collect()
}

#[test]
fn what_fits_the_modules_has_no_errors() {
    let spec = json!({
        "validation": [{"module": "wind"}],
        "steps": [{"module": "wind", "step": "measure"}, {"module": "wind", "step": "fly"}],
    });
    assert_eq!(errors(&spec), Vec::<String>::new());
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let other = json!({"resource": {"group": "example.dev", "version": "v1", "plural": "boats"},
        "steps": [{"module": "wind", "step": "measure"}]});
    let cases = [
        (
            json!({"steps": [{"module": "sun", "step": "shine"}]}),
            "pipeline `kites` names module `sun` at `spec.steps[0]`, which is not loaded; loaded: wind",
        ),
        (
            json!({"steps": [{"module": "wind", "step": "sink"}]}),
            "pipeline `kites` names step `sink` of module `wind` at `spec.steps[0]`, which it does not have; it has: measure, fly",
        ),
        (
            json!({"defaulting": [{"module": "wind"}]}),
            "pipeline `kites` wants module `wind` at `spec.defaulting[0]` to do defaulting, which it does not export",
        ),
        (
            other,
            "pipeline `kites` gives boats.example.dev/v1 to step `measure` of module `wind` at `spec.steps[0]`, which takes only kites.example.dev/v1",
        ),
        (
            json!({"steps": [{"module": "wind", "step": "measure"}, {"module": "wind", "step": "measure"}]}),
            "pipeline `kites` has two steps called `measure`; give one of them another `name`",
        ),
        (
            json!({"validation": [{"module": "wind", "parameters": {"wrong": 1}}]}),
            "pipeline `kites` has parameters at `spec.validation[0].parameters` that module `wind` refuses: 1 is wrong",
        ),
        (
            json!({"steps": [{"module": "wind", "step": "measure", "parameters": {"wrong": 1}}]}),
            "pipeline `kites` has parameters at `spec.steps[0].parameters` that module `wind` refuses: 1 is wrong",
        ),
        (
            json!({"steps": [{"module": "wind", "step": "fly"}, {"module": "wind", "step": "measure"}]}),
            "pipeline `kites` takes step `fly` at `spec.steps[0]`, which needs the fact `measure/speed`; no earlier step leaves it. Earlier steps leave: none",
        ),
        (
            json!({"steps": [{"name": "look", "module": "wind", "step": "measure"}, {"module": "wind", "step": "fly"}]}),
            "pipeline `kites` takes step `fly` at `spec.steps[1]`, which needs the fact `measure/speed`; no earlier step leaves it. Earlier steps leave: look/speed",
        ),
    ];
    for (spec, words) in cases {
        assert_eq!(errors(&spec), [words], "{spec}");
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let spec = json!({
        "validation": [{"module": "sun"}],
        "steps": [{"module": "wind", "step": "sink"}, {"module": "wind", "step": "fly"}],
    });
    assert_eq!(errors(&spec).len(), 3);
}
