//! The body of a callback (tencent.md 4 to 6).

use serde_json::{Map, Value};

use super::{
    fields::{self, Field, Kind},
    json,
};

/// `ErrorInfo` of a delivered message.
const DELIVERED: &str = "send msg succeed";
const CUSTOM: &str = "TIMCustomElem";

/// Checks a body. `command` is the one in the query.
pub fn check(body: &[u8], command: &str) -> Result<(), String> {
    let body = json::parse(body)?;
    let body = body.as_object().ok_or("the body is no object")?;
    let named = body.get("CallbackCommand").and_then(Value::as_str).ok_or("CallbackCommand is no text in the body")?;
    if named != command {
        return Err(format!("CallbackCommand is {named} in the body and {command} in the query"));
    }
    let fields = fields::of_command(command).ok_or_else(|| format!("there is no command {command}"))?;
    check_object(body, fields)?;
    match command {
        "C2C.CallbackBeforeSendMsg" => check_key(body),
        "C2C.CallbackAfterSendMsg" => check_key(body).and_then(|()| check_outcome(body)),
        "Group.CallbackAfterSendMsg" => check_refusal(body),
        _ => Ok(()),
    }
}

/// A message to a group has a number, and a refused one has the reason.
fn check_refusal(body: &Map<String, Value>) -> Result<(), String> {
    let told = ["SendMsgResult", "ErrorInfo", "UnreadMsgNum"].map(|key| body.contains_key(key));
    match (told, &body["MsgSeq"]) {
        ([false, false, false], number) if *number != 0 => Ok(()),
        ([true, true, true], number) if *number == 0 => check_outcome(body),
        (_, number) => Err(format!("MsgSeq is {number} where SendMsgResult is {:?}", body.get("SendMsgResult"))),
    }
}

fn check_key(body: &Map<String, Value>) -> Result<(), String> {
    let expected = format!("{}_{}_{}", body["MsgSeq"], body["MsgRandom"], body["MsgTime"]);
    if body["MsgKey"] == expected {
        return Ok(());
    }
    Err(format!("MsgKey is {} rather than {expected}", body["MsgKey"]))
}

fn check_outcome(body: &Map<String, Value>) -> Result<(), String> {
    let has_failed = body["SendMsgResult"] != 0;
    if has_failed != (body["UnreadMsgNum"] == -1) {
        return Err(format!(
            "UnreadMsgNum is {} where SendMsgResult is {}",
            body["UnreadMsgNum"], body["SendMsgResult"]
        ));
    }
    if has_failed == (body["ErrorInfo"] == DELIVERED) {
        return Err(format!("ErrorInfo is {} where SendMsgResult is {}", body["ErrorInfo"], body["SendMsgResult"]));
    }
    Ok(())
}

/// Every key that is present has its value, every required key is present, and no other.
fn check_object(object: &Map<String, Value>, fields: &[Field]) -> Result<(), String> {
    if let Some(unknown) = object.keys().find(|key| !fields.iter().any(|field| field.name == *key)) {
        return Err(format!("{unknown} is not documented"));
    }
    for field in fields {
        match object.get(field.name) {
            Some(value) => check_value(value, field.kind).map_err(|why| format!("{}: {why}", field.name))?,
            None if field.is_required => return Err(format!("{} is missing", field.name)),
            None => {}
        }
    }
    Ok(())
}

fn check_value(value: &Value, kind: Kind) -> Result<(), String> {
    let is_good = match kind {
        Kind::Text => value.is_string(),
        Kind::Name => value.as_str().is_some_and(|text| !text.is_empty()),
        Kind::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Kind::Whole(from, to) => value.as_i64().is_some_and(|number| (from..=to).contains(&number)),
        Kind::OneOf(numbers) => value.as_i64().is_some_and(|number| numbers.contains(&number)),
        Kind::Number => value.is_number(),
        Kind::MsgKey => value.as_str().is_some_and(is_msg_key),
        Kind::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        Kind::Object(fields) => return check_object(value.as_object().ok_or("is no object")?, fields),
        Kind::Objects(fields) => return check_objects(value, |object| check_object(object, fields)),
        Kind::ObjectsIfAny(_) if value.as_array().is_some_and(Vec::is_empty) => true,
        Kind::ObjectsIfAny(fields) => return check_objects(value, |object| check_object(object, fields)),
        Kind::Elements => return check_elements(value),
    };
    if is_good { Ok(()) } else { Err(format!("a value must not be {value}")) }
}

fn check_objects(value: &Value, check: impl Fn(&Map<String, Value>) -> Result<(), String>) -> Result<(), String> {
    let items = value.as_array().ok_or("is no array")?;
    if items.is_empty() {
        return Err("is empty".to_owned());
    }
    for item in items {
        check(item.as_object().ok_or("has what is no object")?)?;
    }
    Ok(())
}

fn check_elements(value: &Value) -> Result<(), String> {
    check_objects(value, check_element)?;
    let customs = value.as_array().into_iter().flatten().filter(|element| element["MsgType"] == CUSTOM).count();
    if customs > 1 { Err(format!("has {customs} elements {CUSTOM}")) } else { Ok(()) }
}

fn check_element(element: &Map<String, Value>) -> Result<(), String> {
    if let Some(unknown) = element.keys().find(|key| !["MsgType", "MsgContent"].contains(&key.as_str())) {
        return Err(format!("{unknown} is not documented"));
    }
    let msg_type = element.get("MsgType").and_then(Value::as_str).ok_or("MsgType is no text")?;
    let content = element.get("MsgContent").and_then(Value::as_object).ok_or("MsgContent is no object")?;
    let fields = fields::of_element(msg_type).ok_or_else(|| format!("there is no element {msg_type}"))?;
    check_object(content, fields).map_err(|why| format!("{msg_type}: {why}"))?;
    if msg_type == "TIMRelayElem" && content.contains_key("MsgList") == content.contains_key("JsonMsgKey") {
        return Err("TIMRelayElem: either MsgList or JsonMsgKey".to_owned());
    }
    Ok(())
}

fn is_msg_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('_').collect();
    let is_number = |part: &&str| part.parse::<u32>().is_ok_and(|number| number.to_string() == **part);
    parts.len() == 3 && parts.iter().all(is_number)
}
