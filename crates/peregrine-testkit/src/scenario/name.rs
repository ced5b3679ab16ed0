//! The names by which the scenarios are known everywhere.

use std::error::Error;
use std::fmt;

use super::Scenario;

/// Scenarios that other implementations have.
const NOT_BUILT: [&str; 6] =
    ["auth:basic_proto", "middleware", "session_options", "flight_sql", "flight_sql:extension", "flight_sql:ingestion"];

/// Why a name leads to no [`Scenario`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScenarioNameError {
    /// An official scenario that this version does not have.
    NotBuilt(String),
    /// No implementation has a scenario of this name.
    Unknown(String),
}

impl Scenario {
    /// The official name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::ExpirationTimeDoGet => "expiration_time:do_get",
            Self::ExpirationTimeListActions => "expiration_time:list_actions",
            Self::ExpirationTimeCancelFlightInfo => "expiration_time:cancel_flight_info",
            Self::ExpirationTimeRenewFlightEndpoint => "expiration_time:renew_flight_endpoint",
            Self::DoExchangeEcho => "do_exchange:echo",
            Self::LocationReuseConnection => "location:reuse_connection",
            Self::PollFlightInfo => "poll_flight_info",
            Self::AppMetadataFlightInfoEndpoint => "app_metadata_flight_info_endpoint",
            Self::Alignment => "alignment",
        }
    }

    /// The scenario of an official name.
    ///
    /// # Errors
    /// A name without a scenario.
    pub fn from_name(name: &str) -> Result<Self, ScenarioNameError> {
        let found = Self::ALL.iter().find(|scenario| scenario.name() == name);
        found.copied().ok_or_else(|| match NOT_BUILT.contains(&name) {
            true => ScenarioNameError::NotBuilt(name.to_owned()),
            false => ScenarioNameError::Unknown(name.to_owned()),
        })
    }
}

impl fmt::Display for Scenario {
    /// The official name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ScenarioNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(name) => write!(f, "the scenario {name} is not built yet"),
            Self::Unknown(name) => {
                let names: Vec<_> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
                write!(f, "no scenario is named {name:?}; there are {}", names.join(", "))
            }
        }
    }
}

impl Error for ScenarioNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_scenario() {
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::from_name(scenario.name()), Ok(*scenario));
            assert!(!NOT_BUILT.contains(&scenario.name()));
        }
    }

    #[test]
    fn a_scenario_that_is_not_built_is_told_from_one_that_nobody_has() {
        let error = |name| Scenario::from_name(name).unwrap_err().to_string();
        assert_eq!(error("session_options"), "the scenario session_options is not built yet");
        assert!(error("orderd").starts_with("no scenario is named \"orderd\"; there are ordered, "));
    }
}
