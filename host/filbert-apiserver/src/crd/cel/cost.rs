//! What a rule may cost at most, estimated from the sizes that the schema allows.

use super::check::Checked;
use super::types::CelType;
use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};

/// The most that one expression may cost.
pub(in crate::crd) const RULE_LIMIT: u64 = 10_000_000;
/// The most that all expressions of a schema may cost together.
pub(in crate::crd) const SCHEMA_LIMIT: u64 = 100_000_000;

/// The part of its length that going through a text once costs.
const TEXT_SHARE: u64 = 10;
/// The same for a regular expression: a quarter of its length for each step.
const PATTERN_SHARE: u64 = 4;
const NEW_LIST: u64 = 10;
const NEW_MAP: u64 = 30;

/// The greatest cost of one evaluation.
pub(in crate::crd) fn estimate(checked: &Checked) -> u64 {
    Estimator { checked }.cost(checked.program.expression())
}

/// The words for a cost over its limit.
pub(in crate::crd) fn excess(what: &str, cost: u64, limit: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "the factor is shown with one digit")]
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where \
         arrays, maps, and strings are declared)"
    )
}

struct Estimator<'a> {
    checked: &'a Checked,
}

impl Estimator<'_> {
    fn size(&self, expression: &IdedExpr) -> u64 {
        self.checked.types.get(&expression.id).map_or(u64::MAX, CelType::size)
    }

    fn is_text(&self, expression: &IdedExpr) -> bool {
        matches!(
            self.checked.types.get(&expression.id),
            Some(CelType::String(_) | CelType::Bytes(_) | CelType::List(..) | CelType::Map(..) | CelType::Dyn) | None
        )
    }

    fn cost(&self, expression: &IdedExpr) -> u64 {
        match &expression.expr {
            Expr::Literal(_) | Expr::Unspecified => 0,
            Expr::Ident(_) => 1,
            Expr::Select(select) => self.cost(&select.operand).saturating_add(1),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => NEW_LIST.saturating_add(self.sum(&list.elements)),
            Expr::Map(_) | Expr::Struct(_) => NEW_MAP,
            Expr::Comprehension(comprehension) => {
                let rounds = self.size(&comprehension.iter_range);
                let round = self.cost(&comprehension.loop_cond).saturating_add(self.cost(&comprehension.loop_step));
                self.cost(&comprehension.iter_range)
                    .saturating_add(self.cost(&comprehension.accu_init))
                    .saturating_add(rounds.saturating_mul(round))
                    .saturating_add(self.cost(&comprehension.result))
            }
        }
    }

    fn sum<'e>(&self, expressions: impl IntoIterator<Item = &'e IdedExpr>) -> u64 {
        expressions.into_iter().fold(0, |sum: u64, expression| sum.saturating_add(self.cost(expression)))
    }

    fn call(&self, call: &CallExpr) -> u64 {
        let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let inside = self.sum(parts.iter().copied());
        let size = |index: usize| parts.get(index).map_or(1, |part| self.size(part));
        let share = |size: u64, share: u64| size.div_ceil(share);
        let own = match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::CONDITIONAL | operators::NOT_STRICTLY_FALSE => {
                0
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
                if parts.iter().all(|part| self.is_text(part)) =>
            {
                share(size(0).min(size(1)), TEXT_SHARE)
            }
            operators::ADD if parts.iter().any(|part| self.is_text(part)) => {
                share(size(0).saturating_add(size(1)), TEXT_SHARE)
            }
            operators::IN => size(1),
            "contains" => share(size(0), TEXT_SHARE).saturating_mul(share(size(1), TEXT_SHARE).max(1)),
            "startsWith" | "endsWith" => share(size(1), TEXT_SHARE),
            "matches" | "find" | "findAll" => {
                share(size(0), TEXT_SHARE).saturating_mul(share(size(1), PATTERN_SHARE).max(1))
            }
            "join" => {
                let item = match parts.first().and_then(|list| self.checked.types.get(&list.id)) {
                    Some(CelType::List(items, _)) => items.size(),
                    _ => u64::MAX,
                };
                share(size(0).saturating_mul(item.saturating_add(size(1))), TEXT_SHARE)
            }
            "string" | "bytes" | "quantity" | "isQuantity" | "url" | "isURL" | "ip" | "isIP" | "cidr" | "isCIDR"
            | "split" | "lowerAscii" | "upperAscii" | "replace" | "trim" | "substring" | "indexOf" | "lastIndexOf" => {
                share(size(0), TEXT_SHARE)
            }
            "sum" | "min" | "max" | "isSorted" | "distinct" | "sort" => size(0),
            _ => 1,
        };
        inside.saturating_add(own)
    }
}
