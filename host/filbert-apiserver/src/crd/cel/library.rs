//! The functions that rules can call: CEL's own, the extensions for strings, lists and numbers, and Kubernetes'.

use super::extra::{CIDR, Cidr, CidrValue, IP, IpValue, QUANTITY, QuantityValue, URL, UrlValue};
use crate::builtin::quantity::{self, Quantity};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelString, INT_TYPE, LIST_TYPE, STRING_TYPE, Type};
use cel::common::value::{CowVal, FromVal, Val};
use cel::{DeclarationError, Env, ExecutionError, extensions};
use regex::Regex;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;
type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;

/// The environment that all rules share.
pub(in crate::crd) fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> =
        LazyLock::new(|| Arc::new(build().expect("no function is declared twice")));
    &ENVIRONMENT
}

fn build() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::lists)?;
    env.add_extension(extensions::math)?;
    quantities(&mut env)?;
    addresses(&mut env)?;
    urls(&mut env)?;
    texts_and_lists(&mut env)?;
    Ok(env)
}

fn wrong(message: impl ToString) -> ExecutionError {
    ExecutionError::function_error("", message)
}

/// The argument at a place, as the type that the overload was declared with.
fn argument<'b, 'v, 'a, T: FromVal<'a, 'v>>(
    arguments: &'a Arguments<'b, 'v>,
    index: usize,
) -> Result<&'a T, ExecutionError>
where
    'b: 'a,
{
    let value = arguments.get(index).ok_or_else(|| wrong("argument missing"))?;
    T::from_val(value.as_ref()).ok_or_else(|| wrong("no such overload"))
}

fn text(arguments: &Arguments<'_, '_>, index: usize) -> Result<String, ExecutionError> {
    let value = arguments.get(index).ok_or_else(|| wrong("argument missing"))?;
    let text = value.downcast_ref::<CelString<'_>>().ok_or_else(|| wrong("no such overload"))?;
    Ok(text.inner().to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "it is the answer of a function")]
fn bool<'b, 'v>(flag: bool) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelBool::from(flag)))
}

#[expect(clippy::unnecessary_wraps, reason = "it is the answer of a function")]
fn int<'b, 'v>(number: i64) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelInt::from(number)))
}

#[expect(clippy::unnecessary_wraps, reason = "it is the answer of a function")]
fn string<'b, 'v>(text: impl Into<String>) -> Answer<'b, 'v> {
    Ok(CowVal::owned(CelString::from(text.into())))
}

fn quantity(arguments: &Arguments<'_, '_>, index: usize) -> Result<Quantity, ExecutionError> {
    let value = arguments.get(index).ok_or_else(|| wrong("argument missing"))?;
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok(Quantity::from_int(*number.inner()));
    }
    argument::<QuantityValue>(arguments, index).map(|value| value.0)
}

fn quantities(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_type(QUANTITY.to_owned())?;
    env.add_overload("quantity", "string_to_quantity", vec![STRING_TYPE], |arguments| {
        match Quantity::parse(&text(&arguments, 0)?) {
            Some(parsed) => Ok(CowVal::owned(QuantityValue(parsed))),
            None => Err(wrong(quantity::MALFORMED)),
        }
    })?;
    env.add_overload("isQuantity", "is_quantity_string", vec![STRING_TYPE], |arguments| {
        bool(Quantity::parse(&text(&arguments, 0)?).is_some())
    })?;
    let mine = || QUANTITY.to_owned();
    env.add_member_overload("isGreaterThan", "quantity_is_greater_than", mine(), vec![mine()], |arguments| {
        bool(quantity(&arguments, 0)? > quantity(&arguments, 1)?)
    })?;
    env.add_member_overload("isLessThan", "quantity_is_less_than", mine(), vec![mine()], |arguments| {
        bool(quantity(&arguments, 0)? < quantity(&arguments, 1)?)
    })?;
    env.add_member_overload("compareTo", "quantity_compare_to", mine(), vec![mine()], |arguments| {
        int(match quantity(&arguments, 0)?.cmp(&quantity(&arguments, 1)?) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        })
    })?;
    env.add_member_overload("sign", "quantity_sign", mine(), vec![], |arguments| int(quantity(&arguments, 0)?.sign()))?;
    env.add_member_overload("isInteger", "quantity_is_integer", mine(), vec![], |arguments| {
        bool(quantity(&arguments, 0)?.as_int().is_some())
    })?;
    env.add_member_overload("asInteger", "quantity_as_integer", mine(), vec![], |arguments| {
        let number = quantity(&arguments, 0)?.as_int();
        int(number.ok_or_else(|| wrong("cannot convert value to integer"))?)
    })?;
    env.add_member_overload("asApproximateFloat", "quantity_as_float", mine(), vec![], |arguments| {
        Ok(CowVal::owned(CelDouble::from(quantity(&arguments, 0)?.as_float())))
    })?;
    for (id, other) in [("quantity", mine()), ("int", INT_TYPE.to_owned())] {
        let other = || other.to_owned();
        env.add_member_overload("add", &format!("quantity_add_{id}"), mine(), vec![other()], |arguments| {
            let sum = quantity(&arguments, 0)?.plus(quantity(&arguments, 1)?);
            Ok(CowVal::owned(QuantityValue(sum.ok_or_else(|| wrong("quantity overflow"))?)))
        })?;
        env.add_member_overload("sub", &format!("quantity_sub_{id}"), mine(), vec![other()], |arguments| {
            let difference = quantity(&arguments, 0)?.minus(quantity(&arguments, 1)?);
            Ok(CowVal::owned(QuantityValue(difference.ok_or_else(|| wrong("quantity overflow"))?)))
        })?;
    }
    Ok(())
}

fn ip(arguments: &Arguments<'_, '_>, index: usize) -> Result<IpAddr, ExecutionError> {
    argument::<IpValue>(arguments, index).map(|value| value.0)
}

fn parse_ip(text: &str) -> Result<IpAddr, ExecutionError> {
    text.parse().map_err(|_| wrong(format!("IP Address {text:?} parse error during conversion from string")))
}

fn parse_cidr(text: &str) -> Result<Cidr, ExecutionError> {
    Cidr::parse(text).ok_or_else(|| wrong("network address parse error during conversion from string"))
}

fn addresses(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("ip", "string_to_ip", vec![STRING_TYPE], |arguments| {
        Ok(CowVal::owned(IpValue(parse_ip(&text(&arguments, 0)?)?)))
    })?;
    env.add_overload("isIP", "is_ip", vec![STRING_TYPE], |arguments| bool(parse_ip(&text(&arguments, 0)?).is_ok()))?;
    env.add_overload("cidr", "string_to_cidr", vec![STRING_TYPE], |arguments| {
        Ok(CowVal::owned(CidrValue(parse_cidr(&text(&arguments, 0)?)?)))
    })?;
    env.add_overload("isCIDR", "is_cidr", vec![STRING_TYPE], |arguments| {
        bool(Cidr::parse(&text(&arguments, 0)?).is_some())
    })?;
    let mine = || IP.to_owned();
    env.add_member_overload("family", "ip_family", mine(), vec![], |arguments| {
        int(if ip(&arguments, 0)?.is_ipv4() { 4 } else { 6 })
    })?;
    env.add_member_overload("isLoopback", "ip_is_loopback", mine(), vec![], |arguments| {
        bool(ip(&arguments, 0)?.is_loopback())
    })?;
    env.add_member_overload("isUnspecified", "ip_is_unspecified", mine(), vec![], |arguments| {
        bool(ip(&arguments, 0)?.is_unspecified())
    })?;
    let block = || CIDR.to_owned();
    env.add_member_overload("containsIP", "cidr_contains_ip", block(), vec![mine()], |arguments| {
        let address = ip(&arguments, 1)?;
        bool(argument::<CidrValue>(&arguments, 0)?.0.contains(address))
    })?;
    env.add_member_overload("containsIP", "cidr_contains_ip_string", block(), vec![STRING_TYPE], |arguments| {
        let address = parse_ip(&text(&arguments, 1)?)?;
        bool(argument::<CidrValue>(&arguments, 0)?.0.contains(address))
    })?;
    env.add_member_overload("containsCIDR", "cidr_contains_cidr", block(), vec![block()], |arguments| {
        let (mine, other) = (argument::<CidrValue>(&arguments, 0)?.0, argument::<CidrValue>(&arguments, 1)?.0);
        bool(mine.bits <= other.bits && mine.contains(other.address))
    })?;
    env.add_member_overload("containsCIDR", "cidr_contains_cidr_string", block(), vec![STRING_TYPE], |arguments| {
        let other = parse_cidr(&text(&arguments, 1)?)?;
        let mine = argument::<CidrValue>(&arguments, 0)?.0;
        bool(mine.bits <= other.bits && mine.contains(other.address))
    })?;
    env.add_member_overload("ip", "cidr_ip", block(), vec![], |arguments| {
        Ok(CowVal::owned(IpValue(argument::<CidrValue>(&arguments, 0)?.0.address)))
    })?;
    env.add_member_overload("prefixLength", "cidr_prefix_length", block(), vec![], |arguments| {
        int(i64::from(argument::<CidrValue>(&arguments, 0)?.0.bits))
    })
}

/// An absolute URL or an absolute path.
fn parse_url(text: &str) -> Result<http::Uri, ExecutionError> {
    let parsed: Option<http::Uri> = text.parse().ok();
    parsed.filter(|uri| uri.scheme().is_some() || text.starts_with('/')).ok_or_else(|| {
        wrong(format!("URL parse error during conversion from string: parse {text:?}: invalid URI for request"))
    })
}

fn urls(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("url", "string_to_url", vec![STRING_TYPE], |arguments| {
        Ok(CowVal::owned(UrlValue(parse_url(&text(&arguments, 0)?)?)))
    })?;
    env.add_overload("isURL", "is_url_string", vec![STRING_TYPE], |arguments| {
        bool(parse_url(&text(&arguments, 0)?).is_ok())
    })?;
    let mut getter =
        |name: &str, function| env.add_member_overload(name, &format!("url_{name}"), URL.to_owned(), vec![], function);
    getter("getScheme", |arguments| string(argument::<UrlValue>(&arguments, 0)?.0.scheme_str().unwrap_or_default()))?;
    getter("getHost", |arguments| {
        let authority = argument::<UrlValue>(&arguments, 0)?.0.authority().map(ToString::to_string);
        string(authority.unwrap_or_default())
    })?;
    getter("getHostname", |arguments| {
        let host = argument::<UrlValue>(&arguments, 0)?.0.host().unwrap_or_default();
        string(host.trim_matches(['[', ']']))
    })?;
    getter("getPort", |arguments| {
        let port = argument::<UrlValue>(&arguments, 0)?.0.port_u16().map(|port| port.to_string());
        string(port.unwrap_or_default())
    })?;
    getter("getEscapedPath", |arguments| string(argument::<UrlValue>(&arguments, 0)?.0.path()))
}

/// The items of any list.
fn items<'a, 'v>(arguments: &'a Arguments<'_, 'v>) -> Result<Vec<&'a (dyn Val + 'v)>, ExecutionError> {
    let list = arguments.first().and_then(|list| list.as_iterable()).ok_or_else(|| wrong("no such overload"))?;
    let mut iterator = list.iter();
    let mut items = Vec::new();
    while let Some(item) = iterator.next() {
        items.push(item);
    }
    Ok(items)
}

fn compare(left: &dyn Val, right: &dyn Val) -> Result<Ordering, ExecutionError> {
    left.as_comparer().ok_or_else(|| wrong("no such overload"))?.compare(right)
}

/// The first item that no other one comes before in the order wanted.
fn extreme<'b, 'v>(arguments: &Arguments<'b, 'v>, wanted: Ordering, name: &str) -> Answer<'b, 'v> {
    let items = items(arguments)?;
    let mut found = *items.first().ok_or_else(|| wrong(format!("{name} called on empty list")))?;
    for item in items {
        if compare(item, found)? == wanted {
            found = item;
        }
    }
    Ok(CowVal::Owned(found.clone_as_boxed()))
}

fn pattern(source: &str) -> Result<Regex, ExecutionError> {
    Regex::new(source).map_err(|error| wrong(format!("Illegal regex: {error}")))
}

fn texts_and_lists(env: &mut Env) -> Result<(), DeclarationError> {
    let list = || -> Type { LIST_TYPE.to_owned() };
    env.add_member_overload("find", "string_find_string", STRING_TYPE, vec![STRING_TYPE], |arguments| {
        let (haystack, pattern) = (text(&arguments, 0)?, pattern(&text(&arguments, 1)?)?);
        string(pattern.find(&haystack).map_or("", |found| found.as_str()))
    })?;
    env.add_member_overload("findAll", "string_find_all_string", STRING_TYPE, vec![STRING_TYPE], |arguments| {
        let (haystack, pattern) = (text(&arguments, 0)?, pattern(&text(&arguments, 1)?)?);
        let found = pattern.find_iter(&haystack);
        let found = found.map(|found| Box::new(CelString::from(found.as_str().to_owned())) as Box<dyn Val>);
        Ok(CowVal::owned(CelList::from(found.collect::<Vec<_>>())))
    })?;
    env.add_member_overload("isSorted", "list_is_sorted", list(), vec![], |arguments| {
        let items = items(&arguments)?;
        for pair in items.windows(2) {
            if let [first, second] = pair
                && compare(*first, *second)? == Ordering::Greater
            {
                return bool(false);
            }
        }
        bool(true)
    })?;
    env.add_member_overload("sum", "list_sum", list(), vec![], |arguments| {
        let items = items(&arguments)?;
        let Some((first, rest)) = items.split_first() else { return int(0) };
        let mut sum = first.clone_as_boxed();
        for item in rest {
            let next = sum.as_adder().ok_or_else(|| wrong("no such overload"))?.add(*item)?.into_owned();
            sum = next;
        }
        Ok(CowVal::Owned(sum))
    })?;
    env.add_member_overload("min", "list_min", list(), vec![], |arguments| extreme(&arguments, Ordering::Less, "min"))?;
    env.add_member_overload("max", "list_max", list(), vec![], |arguments| {
        extreme(&arguments, Ordering::Greater, "max")
    })?;
    env.add_member_overload("indexOf", "list_index_of", list(), vec![cel::common::types::DYN_TYPE], |arguments| {
        let wanted = arguments.get(1).ok_or_else(|| wrong("argument missing"))?;
        let place = items(&arguments)?.iter().position(|item| item.equals(wanted.as_ref()));
        int(place.map_or(-1, |place| i64::try_from(place).unwrap_or(i64::MAX)))
    })?;
    env.add_member_overload(
        "lastIndexOf",
        "list_last_index_of",
        list(),
        vec![cel::common::types::DYN_TYPE],
        |arguments| {
            let wanted = arguments.get(1).ok_or_else(|| wrong("argument missing"))?;
            let place = items(&arguments)?.iter().rposition(|item| item.equals(wanted.as_ref()));
            int(place.map_or(-1, |place| i64::try_from(place).unwrap_or(i64::MAX)))
        },
    )
}
