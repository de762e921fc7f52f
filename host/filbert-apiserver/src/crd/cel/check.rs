//! Types of expressions, and complaints about those that do not fit, when a definition is checked.

use super::environment;
use super::types::CelType;
use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use std::collections::HashMap;

/// An expression that parsed and whose types fit.
pub(in crate::crd) struct Checked {
    pub(in crate::crd) program: Program,
    pub(in crate::crd) answer: CelType,
    /// The type of each part, by its id.
    pub(super) types: HashMap<u64, CelType>,
}

/// Parses and checks an expression with these variables; an error is what follows `compilation failed: `.
pub(in crate::crd) fn check(source: &str, variables: &[(&str, CelType)]) -> Result<Checked, String> {
    let program = environment().compile(source).map_err(|errors| {
        // The server indents the lines that show the place.
        errors.to_string().replace("\n| ", "\n | ")
    })?;
    let mut checker = Checker {
        source,
        program: &program,
        scope: variables.iter().map(|(name, known)| ((*name).to_owned(), known.clone())).collect(),
        types: HashMap::new(),
        errors: Vec::new(),
    };
    let answer = checker.visit(program.expression());
    let (types, errors) = (checker.types, checker.errors);
    if errors.is_empty() { Ok(Checked { program, answer, types }) } else { Err(errors.join("\n")) }
}

struct Checker<'a> {
    source: &'a str,
    program: &'a Program,
    scope: Vec<(String, CelType)>,
    types: HashMap<u64, CelType>,
    errors: Vec<String>,
}

const COMPARISONS: [&str; 4] = [operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS];
const ARITHMETIC: [&str; 5] =
    [operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::MODULO];

impl Checker<'_> {
    fn visit(&mut self, expression: &IdedExpr) -> CelType {
        let found = self.type_of(expression);
        self.types.insert(expression.id, found.clone());
        found
    }

    fn type_of(&mut self, expression: &IdedExpr) -> CelType {
        match &expression.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => CelType::Bool,
                LiteralValue::Bytes(_) => CelType::Bytes(64),
                LiteralValue::Double(_) => CelType::Double,
                LiteralValue::Int(_) => CelType::Int,
                LiteralValue::Null => CelType::Null,
                LiteralValue::String(text) => CelType::String(text.inner().len() as u64),
                LiteralValue::UInt(_) => CelType::Uint,
            },
            Expr::Ident(name) => {
                let known = self.scope.iter().rev().find(|(known, _)| known == name);
                match known {
                    Some((_, known)) => known.clone(),
                    // Names of types, and of packages such as `optional`.
                    None if environment().compile(name).is_ok() && is_type_name(name) => CelType::Dyn,
                    None => {
                        self.complain(expression.id, &format!("undeclared reference to '{name}' (in container '')"));
                        CelType::Dyn
                    }
                }
            }
            Expr::Select(select) => {
                let operand = self.visit(&select.operand);
                let found = self.field(expression.id, &operand, &select.field);
                if select.test { CelType::Bool } else { found }
            }
            Expr::Call(call) => self.call(expression.id, call),
            Expr::List(list) => {
                let items: Vec<CelType> = list.elements.iter().map(|item| self.visit(item)).collect();
                let size = items.len() as u64;
                let first = items.first().cloned().unwrap_or(CelType::Dyn);
                let same = items.iter().all(|item| item.fits(&first));
                CelType::List(Box::new(if same { first } else { CelType::Dyn }), size)
            }
            Expr::Map(map) => CelType::Map(Box::new(CelType::Dyn), map.entries.len() as u64),
            Expr::Comprehension(comprehension) => self.comprehension(expression.id, comprehension),
            Expr::Struct(_) | Expr::Unspecified => CelType::Dyn,
        }
    }

    fn field(&mut self, id: u64, operand: &CelType, name: &str) -> CelType {
        match operand {
            CelType::Object(fields) => {
                if let Some(found) = fields.get(name) {
                    return found.clone();
                }
                self.complain(id, &format!("undefined field '{name}'"));
                CelType::Dyn
            }
            CelType::Map(values, _) => (**values).clone(),
            CelType::Optional(inner) => CelType::Optional(Box::new(self.field(id, inner, name))),
            CelType::Dyn | CelType::Null => CelType::Dyn,
            other => {
                self.complain(id, &format!("type '{other}' does not support field selection"));
                CelType::Dyn
            }
        }
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> CelType {
        let arguments: Vec<CelType> = call.args.iter().map(|argument| self.visit(argument)).collect();
        let name = call.func_name.as_str();
        if let Some(target) = &call.target {
            // `optional.of(x)` names a function, not a field of a variable.
            if let Expr::Ident(package) = &target.expr
                && matches!(package.as_str(), "optional" | "math" | "lists" | "sets" | "strings")
                && !self.scope.iter().any(|(known, _)| known == package)
            {
                return match (name, arguments.into_iter().next()) {
                    ("of" | "ofNonZeroValue", Some(inner)) => CelType::Optional(Box::new(inner)),
                    _ => CelType::Dyn,
                };
            }
            let target = self.visit(target);
            return member(name, &target, &arguments);
        }
        let pair = match arguments.as_slice() {
            [left, right] => Some((left, right)),
            _ => None,
        };
        match (name, pair) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => {
                for (argument, found) in call.args.iter().zip(&arguments) {
                    if !found.fits(&CelType::Bool) {
                        self.complain(argument.id, &format!("expected type 'bool' but found '{found}'"));
                    }
                }
                CelType::Bool
            }
            (operators::CONDITIONAL, _) => arguments.get(1).cloned().unwrap_or(CelType::Dyn),
            (operators::EQUALS | operators::NOT_EQUALS, Some((left, right))) => {
                if !left.fits(right) {
                    self.no_overload(id, name, &arguments);
                }
                CelType::Bool
            }
            (operators::IN, Some((item, container))) => {
                let fits = match container {
                    CelType::List(items, _) => items.fits(item),
                    CelType::Map(..) => item.fits(&CelType::String(0)),
                    CelType::Dyn => true,
                    _ => false,
                };
                if !fits {
                    self.no_overload(id, name, &arguments);
                }
                CelType::Bool
            }
            (operators::INDEX, Some((container, _))) => match container {
                CelType::List(items, _) => (**items).clone(),
                CelType::Map(values, _) => (**values).clone(),
                CelType::Dyn => CelType::Dyn,
                _ => {
                    self.no_overload(id, name, &arguments);
                    CelType::Dyn
                }
            },
            (operators::OPT_INDEX | operators::OPT_SELECT, Some((container, _))) => {
                let inner = match container {
                    CelType::List(items, _) => (**items).clone(),
                    CelType::Map(values, _) => (**values).clone(),
                    CelType::Object(fields) => match call.args.get(1).map(|name| &name.expr) {
                        Some(Expr::Literal(LiteralValue::String(name))) => {
                            fields.get(name.inner()).cloned().unwrap_or(CelType::Dyn)
                        }
                        _ => CelType::Dyn,
                    },
                    _ => CelType::Dyn,
                };
                CelType::Optional(Box::new(inner))
            }
            (name, Some((left, right))) if COMPARISONS.contains(&name) => {
                let numbers = |found: &CelType| matches!(found, CelType::Int | CelType::Uint | CelType::Double);
                let ordered =
                    !matches!(left, CelType::Object(_) | CelType::List(..) | CelType::Map(..) | CelType::Null);
                let comparable = (ordered && left.fits(right)) || (numbers(left) && numbers(right));
                if !comparable {
                    self.no_overload(id, name, &arguments);
                }
                CelType::Bool
            }
            (name, Some((left, right))) if ARITHMETIC.contains(&name) => {
                let times = |found: &CelType| matches!(found, CelType::Timestamp | CelType::Duration);
                let combinable = left.fits(right) || (times(left) && times(right));
                if !combinable {
                    self.no_overload(id, name, &arguments);
                    return CelType::Dyn;
                }
                match (left, right) {
                    (CelType::String(left), CelType::String(right)) => CelType::String(left.saturating_add(*right)),
                    (CelType::List(items, left), CelType::List(_, right)) => {
                        CelType::List(items.clone(), left.saturating_add(*right))
                    }
                    (CelType::Dyn, other) => other.clone(),
                    (left, _) => left.clone(),
                }
            }
            (name, _) => global(name, &arguments),
        }
    }

    fn comprehension(&mut self, id: u64, comprehension: &ComprehensionExpr) -> CelType {
        let range = self.visit(&comprehension.iter_range);
        let (first, second) = match &range {
            CelType::List(items, _) => ((**items).clone(), CelType::Int),
            CelType::Map(values, _) => (CelType::String(256), (**values).clone()),
            CelType::Dyn => (CelType::Dyn, CelType::Dyn),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.complain(comprehension.iter_range.id, &text);
                (CelType::Dyn, CelType::Dyn)
            }
        };
        let start = self.visit(&comprehension.accu_init);
        let result = match &start {
            // `map` and `filter` collect at most what they go through.
            CelType::List(..) => CelType::List(Box::new(CelType::Dyn), range.size()),
            other => other.clone(),
        };
        let depth = self.scope.len();
        self.scope.push((comprehension.accu_var.clone(), result));
        self.scope.push((comprehension.iter_var.clone(), first));
        if let Some(name) = &comprehension.iter_var2 {
            self.scope.push((name.clone(), second));
        }
        self.visit(&comprehension.loop_cond);
        self.visit(&comprehension.loop_step);
        let answer = self.visit(&comprehension.result);
        self.scope.truncate(depth);
        self.types.insert(id, answer.clone());
        answer
    }

    fn no_overload(&mut self, id: u64, name: &str, arguments: &[CelType]) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        self.complain(id, &format!("found no matching overload for '{name}' applied to '({})'", arguments.join(", ")));
    }

    /// Adds a complaint, with the line it is about and a mark below the place.
    fn complain(&mut self, id: u64, message: &str) {
        let offset = self.program.source_info().offset_for(id).map_or(0, |(start, _)| start as usize);
        let before = self.source.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let shown = self.source.lines().nth(line).unwrap_or_default();
        let mark = ".".repeat(column);
        self.errors.push(format!("ERROR: <input>:{}:{}: {message}\n | {shown}\n | {mark}^", line + 1, column + 1));
    }
}

fn is_type_name(name: &str) -> bool {
    let known = [
        "bool",
        "bytes",
        "double",
        "duration",
        "dyn",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "timestamp",
        "type",
        "uint",
        "optional",
        "math",
        "lists",
        "sets",
        "strings",
    ];
    known.contains(&name) || name.starts_with('@')
}

/// The answer of a function called on a value; `dyn` where it is not known.
fn member(name: &str, target: &CelType, arguments: &[CelType]) -> CelType {
    match (name, target) {
        (
            "startsWith" | "endsWith" | "contains" | "matches" | "hasValue" | "isGreaterThan" | "isLessThan"
            | "isSorted" | "exists" | "all" | "isInteger" | "containsIP" | "containsCIDR",
            _,
        ) => CelType::Bool,
        ("size" | "indexOf" | "lastIndexOf" | "compareTo" | "sign" | "asInteger", _) => CelType::Int,
        ("value" | "orValue", CelType::Optional(inner)) => (**inner).clone(),
        ("min" | "max" | "sum", CelType::List(items, _)) => (**items).clone(),
        ("join", CelType::List(items, count)) => {
            let between = arguments.first().map_or(0, CelType::size);
            CelType::String(count.saturating_mul(items.size().saturating_add(between)))
        }
        ("split", CelType::String(size)) => CelType::List(Box::new(CelType::String(*size)), *size),
        ("lowerAscii" | "upperAscii" | "trim" | "substring" | "find" | "charAt" | "reverse", CelType::String(_))
        | ("sort" | "distinct" | "slice" | "reverse", CelType::List(..))
        | ("or", CelType::Optional(_)) => target.clone(),
        ("replace" | "format", CelType::String(_)) => CelType::String(u64::MAX),
        _ => CelType::Dyn,
    }
}

fn global(name: &str, arguments: &[CelType]) -> CelType {
    match name {
        "size" | "int" => CelType::Int,
        "string" => match arguments.first() {
            Some(CelType::String(size)) => CelType::String(*size),
            // How long a number gets in writing is not estimated: the server counts such a text as without bound.
            _ => CelType::String(u64::MAX),
        },
        "double" => CelType::Double,
        "uint" => CelType::Uint,
        "bool" | "isURL" | "isQuantity" | "isIP" | "isCIDR" | "has" => CelType::Bool,
        "duration" => CelType::Duration,
        "timestamp" => CelType::Timestamp,
        _ => CelType::Dyn,
    }
}
