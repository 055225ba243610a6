//! Who a sensor is: the town, the post office, the region, the regional cyber centre, its number.
//!
//! The same facts make the name in its certificate (a URI in the subject's alternative names), the
//! author of what it sends, and the collections it may use at the hub.

use std::fmt;
use std::str::FromStr;

/// Regional cyber centres (COSC) of the postal police.
pub const COSC_MAX: u8 = 18;
/// Regions of Italy, as ISTAT numbers them.
pub const REGION_MAX: u8 = 20;
/// Sensors of one town at most.
pub const SENSOR_MAX: u16 = 9999;
/// Characters of a post office's code at most.
pub const OFFICE_MAX: usize = 16;

/// What the names of all sensors begin with.
const URN: &str = "urn:rivellino:";

/// Who a sensor is. Made by [`Identity::new`] or by parsing its URI: always sound.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    cosc: u8,
    region: u8,
    istat: String,
    office: Option<String>,
    sensor: u16,
}

/// What is wrong with an identity: which part, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {what}")]
pub struct Unsound {
    /// The part, as the policy file names it.
    pub part: &'static str,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl Identity {
    /// Puts an identity together.
    ///
    /// # Errors
    /// The first part that is not as it has to be.
    pub fn new(
        cosc: u64,
        region: u64,
        istat: &str,
        office: Option<&str>,
        sensor: u64,
    ) -> Result<Self, Unsound> {
        let unsound = |part, what: String| Unsound { part, what };
        let number = |part, value: u64, most: u64| {
            let sound = (1..=most).contains(&value);
            sound.then_some(value).ok_or_else(|| {
                unsound(part, format!("{value} is not within 1 to {most}: write the number"))
            })
        };
        let cosc = number("cosc", cosc, COSC_MAX.into())?;
        let region = number("region", region, REGION_MAX.into())?;
        let sensor = number("sensor", sensor, SENSOR_MAX.into())?;
        if istat.len() != 6 || !istat.bytes().all(|digit| digit.is_ascii_digit()) {
            let what = format!(
                "{istat:?} is no code of a town: write the six digits of ISTAT, such as \"082053\""
            );
            return Err(unsound("istat", what));
        }
        if let Some(office) = office {
            let sound = (1..=OFFICE_MAX).contains(&office.len())
                && office.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !sound {
                let what = format!(
                    "{office:?} is no code of a post office: letters and digits, at most {OFFICE_MAX}"
                );
                return Err(unsound("office", what));
            }
        }
        Ok(Self {
            cosc: u8::try_from(cosc).unwrap_or_default(),
            region: u8::try_from(region).unwrap_or_default(),
            istat: istat.to_owned(),
            office: office.map(str::to_ascii_uppercase),
            sensor: u16::try_from(sensor).unwrap_or_default(),
        })
    }

    /// The number of the regional cyber centre.
    pub const fn cosc(&self) -> u8 {
        self.cosc
    }

    /// The number of the region.
    pub const fn region(&self) -> u8 {
        self.region
    }

    /// ISTAT's code of the town, six digits.
    pub fn istat(&self) -> &str {
        &self.istat
    }

    /// The code of the POLIS post office, where the sensor stands in one.
    pub fn office(&self) -> Option<&str> {
        self.office.as_deref()
    }

    /// The number of the sensor within the town or the office.
    pub const fn sensor(&self) -> u16 {
        self.sensor
    }

    /// The name in the sensor's certificate:
    /// `urn:rivellino:cosc/13/region/19/comune/082053/sensor/1`.
    pub fn uri(&self) -> String {
        format!("{}/sensor/{}", self.commune_uri(), self.sensor)
    }

    /// The name of the town or the office that the sensor belongs to.
    pub fn commune_uri(&self) -> String {
        let office = self.office.as_ref().map(|office| format!("/office/{office}"));
        format!(
            "{URN}cosc/{}/region/{:02}/comune/{}{}",
            self.cosc,
            self.region,
            self.istat,
            office.unwrap_or_default()
        )
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri())
    }
}

impl FromStr for Identity {
    type Err = Unsound;

    fn from_str(text: &str) -> Result<Self, Unsound> {
        let wrong = || Unsound {
            part: "uri",
            what: format!("{text:?} is not {URN}cosc/N/region/NN/comune/ISTAT[/office/X]/sensor/N"),
        };
        let parts: Vec<&str> = text.strip_prefix(URN).ok_or_else(wrong)?.split('/').collect();
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let identity = match parts.as_slice() {
            ["cosc", cosc, "region", region, "comune", istat, "sensor", sensor] => {
                Self::new(number(cosc)?, number(region)?, istat, None, number(sensor)?)
            }
            [
                "cosc",
                cosc,
                "region",
                region,
                "comune",
                istat,
                "office",
                office,
                "sensor",
                sensor,
            ] => Self::new(number(cosc)?, number(region)?, istat, Some(office), number(sensor)?),
            _ => Err(wrong()),
        }?;
        // One sensor has one name: no leading zeros, no other case.
        if identity.uri() == text { Ok(identity) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_uri_says_all_and_can_be_read_again() {
        let town = Identity::new(13, 19, "082053", None, 1).unwrap();
        assert_eq!(town.uri(), "urn:rivellino:cosc/13/region/19/comune/082053/sensor/1");
        let office = Identity::new(4, 3, "016024", Some("16a24"), 2).unwrap();
        assert_eq!(
            office.uri(),
            "urn:rivellino:cosc/4/region/03/comune/016024/office/16A24/sensor/2"
        );
        for identity in [town, office] {
            assert_eq!(identity.uri().parse::<Identity>().unwrap(), identity);
        }
    }

    #[test]
    fn what_is_not_sound_is_named_with_the_way_to_mend_it() {
        for (identity, part, words) in [
            (Identity::new(19, 1, "082053", None, 1), "cosc", "1 to 18"),
            (Identity::new(1, 0, "082053", None, 1), "region", "1 to 20"),
            (Identity::new(1, 1, "82053", None, 1), "istat", "six digits"),
            (Identity::new(1, 1, "08205\u{661}", None, 1), "istat", "six digits"),
            (Identity::new(1, 1, "082053", Some("a/b"), 1), "office", "letters and digits"),
            (Identity::new(1, 1, "082053", Some(""), 1), "office", "letters and digits"),
            (Identity::new(1, 1, "082053", None, 70_000), "sensor", "1 to 9999"),
        ] {
            let unsound = identity.unwrap_err();
            assert_eq!(unsound.part, part);
            assert!(unsound.what.contains(words), "{unsound}");
        }
        for text in [
            "",
            "urn:rivellino:cosc/13/region/19/comune/082053/sensor/01",
            "urn:rivellino:cosc/13/region/9/comune/082053/sensor/1",
            "urn:rivellino:cosc/13/region/19/comune/082053/office/a/sensor/1",
            "urn:rivellino:cosc/13/region/19/comune/082053/sensor/1/",
            "urn:other:cosc/13/region/19/comune/082053/sensor/1",
        ] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }
}
