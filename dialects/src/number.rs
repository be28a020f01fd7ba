//! Numbers that real clients write either as numbers or as decimal strings.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

/// Whole numbers below this are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A decimal number as text, digit for digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal(pub String);

impl Decimal {
    fn parse(text: String) -> Option<Self> {
        let plain = text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b'.' | b'e' | b'E'));
        let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        (plain && finite).then_some(Self(text))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text =
            if raw.starts_with('"') { serde_json::from_str(raw).map_err(D::Error::custom)? } else { raw.to_owned() };
        Self::parse(text).ok_or_else(|| D::Error::custom("expected a number or a decimal string"))
    }
}

/// A whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer(pub i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Decimal(text) = Decimal::deserialize(deserializer)?;
        if let Ok(whole) = text.parse() {
            return Ok(Self(whole));
        }
        match text.parse::<f64>() {
            Ok(number) if number.fract() == 0.0 && number.abs() < EXACT => Ok(Self(number as i64)),
            _ => Err(D::Error::custom("expected a whole number")),
        }
    }
}

/// An optional field: `null` and `""` are absent.
pub fn or_blank<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    match raw.get() {
        "null" | "\"\"" => Ok(None),
        _ => T::deserialize(raw).map(Some).map_err(D::Error::custom),
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

/// Any number; whole ones are written without a fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Decimal(text) = Decimal::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_bare_or_as_strings() {
        assert_eq!(serde_json::from_str::<Integer>("\"9007199254740993\"").unwrap().0, 9_007_199_254_740_993);
        assert_eq!(serde_json::from_str::<Integer>("7.0").unwrap().0, 7);
        assert_eq!(serde_json::from_str::<Decimal>("52.51630").unwrap().0, "52.51630");
        for bad in ["\"\"", "\"inf\"", "true", "\"0x1\"", "1e999"] {
            assert!(serde_json::from_str::<Decimal>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        assert_eq!(serde_json::to_string(&[Number(828.0), Number(0.5)]).unwrap(), "[828,0.5]");
    }
}
