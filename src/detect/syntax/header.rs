//! The header of a parsed rule to sets of addresses and ports.

use super::{Arrow, ParsedRule, Spanned, protocol_carrier, protocol_moment};
use crate::detect::operator::Problem;
use crate::detect::rule::Header;
use crate::detect::variables::Variables;

/// Looks up the protocol word, the variables, the addresses and the ports of `rule`.
///
/// # Errors
/// All that is wrong with the header at once; spans are in bytes of the file.
pub fn resolve_header(
    rule: &ParsedRule<'_>,
    variables: &mut Variables,
) -> Result<Header, Vec<Problem>> {
    let mut problems = Vec::new();
    let carrier = protocol_moment(rule.protocol.text).and_then(|(word, _)| protocol_carrier(word));
    let carrier = placed(carrier, rule.protocol, &mut problems);
    let source = placed(variables.addresses(rule.source.text), rule.source, &mut problems);
    let source_ports =
        placed(variables.ports(rule.source_ports.text), rule.source_ports, &mut problems);
    let destination =
        placed(variables.addresses(rule.destination.text), rule.destination, &mut problems);
    let destination_ports =
        placed(variables.ports(rule.destination_ports.text), rule.destination_ports, &mut problems);
    match (carrier, source, source_ports, destination, destination_ports) {
        (
            Some((carrier, ip_version)),
            Some(source),
            Some(source_ports),
            Some(destination),
            Some(destination_ports),
        ) if problems.is_empty() => Ok(Header {
            carrier,
            ip_version,
            source,
            source_ports,
            destination,
            destination_ports,
            both_ways: rule.arrow != Arrow::There,
            transaction: rule.arrow == Arrow::Transaction,
        }),
        _ => Err(problems),
    }
}

fn placed<T>(
    result: Result<T, Problem>,
    word: Spanned<'_>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    result.map_err(|problem| problems.push(problem.shifted(word.at))).ok()
}
