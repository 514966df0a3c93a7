//! Whether a JSON value is what a JSON Schema says: the part of the standard that `deploy/review.schema.json` uses, and no more.

use serde_json::{Map, Value};

/// Returns what in `value` is not as the schema `root` says, each with its place; a keyword this does not know is one of them.
pub(crate) fn differences(root: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Checker { root, found: &mut found }.check(root, value, "$");
    found
}

struct Checker<'a> {
    root: &'a Value,
    found: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn say(&mut self, at: &str, what: String) {
        self.found.push(format!("{at}: {what}"));
    }

    #[expect(clippy::match_same_arms, reason = "what says nothing, and what is met: two reasons")]
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(schema) = schema.as_object() else { return };
        for (keyword, wanted) in schema {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "format" => {}
                "$ref" => {
                    let definition = wanted.as_str().and_then(|name| self.root.pointer(name.strip_prefix('#')?));
                    match definition {
                        Some(definition) => self.check(definition, value, at),
                        None => self.say(at, format!("the schema has no {wanted}")),
                    }
                }
                "type" if !types(wanted).any(|name| is_of_type(name, value)) => self.say(at, format!("{value} is no {wanted}")),
                "const" if value != wanted => self.say(at, format!("{value} is not {wanted}")),
                "enum" if !wanted.as_array().unwrap().contains(value) => self.say(at, format!("{value} is none of {wanted}")),
                "minimum" if value.is_number() && value.as_f64() < wanted.as_f64() => self.say(at, format!("{value} is less than {wanted}")),
                "maximum" if value.is_number() && value.as_f64() > wanted.as_f64() => self.say(at, format!("{value} is more than {wanted}")),
                "type" | "const" | "enum" | "minimum" | "maximum" => {}
                "oneOf" | "anyOf" => self.choose(keyword == "oneOf", wanted.as_array().unwrap(), value, at),
                "items" => value.as_array().into_iter().flatten().enumerate().for_each(|(n, item)| self.check(wanted, item, &format!("{at}[{n}]"))),
                "required" => {
                    for name in wanted.as_array().unwrap().iter().filter_map(Value::as_str) {
                        if value.is_object() && value.get(name).is_none() {
                            self.say(at, format!("`{name}` is missing"));
                        }
                    }
                }
                "properties" => self.members(wanted.as_object().unwrap(), schema, value, at),
                "additionalProperties" if schema.contains_key("properties") => {}
                "additionalProperties" => {
                    value.as_object().into_iter().flatten().for_each(|(name, member)| self.check(wanted, member, &format!("{at}.{name}")));
                }
                other => self.say(at, format!("`{other}` of the schema is not checked")),
            }
        }
    }

    /// Checks the members that are named. One that is not is a difference too: what we print is documented.
    fn members(&mut self, named: &Map<String, Value>, schema: &Map<String, Value>, value: &Value, at: &str) {
        for (name, member) in value.as_object().into_iter().flatten() {
            match named.get(name).or(schema.get("additionalProperties")) {
                Some(schema) => self.check(schema, member, &format!("{at}.{name}")),
                None => self.say(at, format!("`{name}` is not in the schema")),
            }
        }
    }

    fn choose(&mut self, only_one: bool, choices: &[Value], value: &Value, at: &str) {
        let holding = choices.iter().filter(|choice| {
            let mut found = Vec::new();
            Checker { root: self.root, found: &mut found }.check(choice, value, at);
            found.is_empty()
        });
        match holding.count() {
            0 => self.say(at, format!("{value} is none of the choices")),
            1 => {}
            count if only_one => self.say(at, format!("{value} is {count} of the choices at once")),
            _ => {}
        }
    }
}

fn types(wanted: &Value) -> impl Iterator<Item = &str> {
    wanted.as_str().into_iter().chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}

#[test]
fn each_way_to_be_wrong_is_seen() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"items": {"$ref": "#/$defs/N"}},
            "c": {"oneOf": [{"const": 1}, {"enum": [2, 3]}]},
        },
        "$defs": {"N": {"type": "integer", "minimum": 0}},
    });
    assert_eq!(differences(&schema, &serde_json::json!({"a": null, "b": [0, 1], "c": 3})), [] as [&str; 0]);
    assert_eq!(
        differences(&schema, &serde_json::json!({"b": [-1, "x"], "c": 4, "d": 1})),
        [
            "$: `a` is missing",
            "$.b[0]: -1 is less than 0",
            "$.b[1]: \"x\" is no \"integer\"",
            "$.c: 4 is none of the choices",
            "$: `d` is not in the schema"
        ]
    );
}
