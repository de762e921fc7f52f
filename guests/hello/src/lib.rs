//! Greets: keeps one `ConfigMap` in step with the `Greeting` that owns it.

use filbert_guest::prelude::*;

#[derive(Deserialize)]
struct Greeting {
    spec: GreetingSpec,
}

#[derive(Deserialize)]
struct GreetingSpec {
    who: String,
}

impl Resource for Greeting {
    const TYPE: ResourceType = ResourceType::new("example.dev", "v1", "greetings");
    const KIND: &str = "Greeting";
}

struct Greet;

impl Step for Greet {
    type Resource = Greeting;
    const NAME: &str = "greet";
    const SUMMARY: &str = "keeps the greeting in a ConfigMap";

    fn run(cx: &Context<Greeting>) -> StepResult {
        let who = &cx.object().spec.who;
        let greeting = ConfigMap::new(cx.child_name("greeting")).entry("message", format!("Hello, {who}!"));
        Ok(Plan::default().apply(greeting).because("it is what was asked for"))
    }
}

struct Polite;

impl Validation for Polite {
    type Resource = Greeting;

    fn validate(review: &Review<Greeting>) -> Verdict {
        let nobody = review.object().spec.who.is_empty();
        Verdict::of(nobody.then(|| Violation::required("spec.who", "somebody must be greeted")))
    }
}

struct Hello;

impl Module for Hello {
    fn describe() -> Description {
        Description::new("hello", env!("CARGO_PKG_VERSION"), "greets")
            .step::<Greet>()
            .validates::<Polite>()
            .brings::<Greeting>(definition())
            .wants(Wish::keep(ConfigMap::TYPE).named("{name}-greeting").because("it holds the greeting"))
    }
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "greetings.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "greetings", "singular": "greeting", "kind": "Greeting"},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]},
                        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    },
                }},
            }],
        },
    })
}

export_module!(Hello);
export_validation!(Polite);
export_step!(Greet);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        let plan = Greet::run(&Context::test("spring", json!({"spec": {"who": "Ann"}}))).expect("a plan");
        let greeting = plan.find("ConfigMap", "spring-greeting").expect("a ConfigMap");
        assert_eq!(greeting["data"]["message"], "Hello, Ann!");
    }

    #[test]
    fn refuses_to_greet_nobody() {
        let verdict = Polite::validate(&Review::test("spring", &json!({"spec": {"who": ""}})));
        assert_eq!(verdict.violations[0].path, "spec.who");
    }
}
