//! One parsed rule to a compiled one: header, then each option by operator or field.

use std::sync::Arc;

use super::buffer::Step;
use super::catalog::Catalog;
use super::diagnostic::nearest;
use super::header_bytes::header_bytes;
use super::integer::IntegerTest;
use super::lists::ListTest;
use super::operator::{Builder, Problem};
use super::operators::operator;
use super::refused::refusal;
use super::rule::{
    Absent, Action, Buffer, BufferTest, FlowTest, NumberTest, PacketTest, PacketView, Rule,
};
use super::syntax::{Moment, OptionText, ParsedRule, protocol_moment, resolve_header};
use super::variables::Variables;
use crate::field::{Kind, Row, Side};
use crate::record::Signature;

/// Fields that stand behind the content that they are for, in the language's older way.
pub(super) const MODIFIERS: &[&str] = &[
    "http_client_body",
    "http_cookie",
    "http_header",
    "http_host",
    "http_method",
    "http_raw_header",
    "http_raw_host",
    "http_raw_uri",
    "http_server_body",
    "http_stat_code",
    "http_stat_msg",
    "http_uri",
    "http_user_agent",
];

/// Why a rule is not loaded.
pub struct Refusal {
    /// Each with its place in bytes of the file.
    pub problems: Vec<Problem>,
    /// The keyword that is not known here, when that is the reason.
    pub keyword: Option<String>,
}

/// Compiles a rule.
///
/// # Errors
/// All problems of the header, or the first of the options.
pub fn compile(
    parsed: &ParsedRule<'_>,
    variables: &mut Variables,
    catalog: &Catalog,
) -> Result<Rule, Refusal> {
    let header = resolve_header(parsed, variables)
        .map_err(|problems| Refusal { problems, keyword: None })?;
    let mut builder = Builder {
        rule: blank(parsed, header),
        sticky: None,
        transforms: Vec::new(),
        open: None,
        moved: false,
        variables: Vec::new(),
        sides: Vec::new(),
        companions: variables.companions.clone(),
    };
    if let Ok((_, moment)) = protocol_moment(parsed.protocol.text) {
        tie(moment, &mut builder.rule);
    }
    // What a rule requires is asked first: its other options may need just that.
    for option in parsed.options.iter().filter(|option| option.keyword() == "requires") {
        add(option, &mut builder, catalog)?;
    }
    for option in parsed.options.iter().filter(|option| option.keyword() != "requires") {
        add(option, &mut builder, catalog)?;
    }
    finish(parsed, builder, catalog)
}

/// The first packet of a flow each way.
struct FlowStart;

impl PacketTest for FlowStart {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        packet.flow.is_some_and(|flow| flow.first)
    }
}

/// Ties a rule to the moment that its protocol word names.
fn tie(moment: Moment, rule: &mut Rule) {
    match moment {
        Moment::Any => {}
        Moment::FlowStart => {
            rule.packets.push(Box::new(FlowStart));
            rule.packet_only = true;
        }
        Moment::Of(hook) => rule.hook = Some(hook),
    }
}

fn blank(parsed: &ParsedRule<'_>, header: super::rule::Header) -> Rule {
    let signature = Signature { gid: 1, severity: 3, action: "allowed", ..Signature::default() };
    Rule {
        signature: Arc::new(signature),
        origin: parsed.origin.clone(),
        action: parsed.action,
        header,
        flow: FlowTest::default(),
        buffers: Vec::new(),
        numbers: Vec::new(),
        files: Vec::new(),
        store: None,
        lists: Vec::new(),
        packets: Vec::new(),
        ends: Vec::new(),
        flowbits: Vec::new(),
        flowints: Vec::new(),
        texts: Vec::new(),
        captures: [false; 2],
        hook: None,
        events: Vec::new(),
        application: Vec::new(),
        side: Side::Either,
        fast_pattern: None,
        packet_only: false,
        silent: parsed.action == Action::Config,
        outspoken: false,
        mutes: false,
        variables: 0,
        host_bits: Vec::new(),
        never: false,
        explicit_priority: false,
    }
}

/// Adds one option.
fn add(option: &OptionText<'_>, builder: &mut Builder, catalog: &Catalog) -> Result<(), Refusal> {
    let keyword = option.keyword();
    let keyword = keyword.as_ref();
    let argument = option.value.map(|value| value.text);
    let at = option.value.map_or(option.name.at, |value| value.at);
    let placed = |mut problem: Problem| {
        if problem.span.is_empty() {
            problem.span = 0..argument.map_or(keyword.len(), str::len);
        }
        Refusal { problems: vec![problem.shifted(at)], keyword: None }
    };
    if let Some(operator) = operator(keyword) {
        return (operator.compile)(argument, builder).map_err(placed);
    }
    if let Some(buffer) = header_bytes(keyword) {
        builder.select(Some(buffer.name));
        builder.rule.packet_only = true;
        return Ok(());
    }
    let Some(row) = catalog.first(keyword) else {
        return Err(unknown(option, catalog));
    };
    match row.kind {
        Kind::Int { .. } => number(row, keyword, argument, builder).map_err(placed),
        Kind::Bytes if MODIFIERS.contains(&keyword) && argument.is_none() => {
            builder.move_last(row.name, row.name).map_err(placed)
        }
        Kind::Bytes if argument.is_some() => {
            let problem = Problem::spanned("R042", 0..0, format!("`{keyword}` takes no argument"));
            Err(placed(problem.hint(format!("write `{keyword};` and then `content:...;`"))))
        }
        Kind::Bytes => {
            builder.select(Some(row.name));
            Ok(())
        }
    }
}

fn number(
    row: &Row,
    keyword: &str,
    argument: Option<&str>,
    builder: &mut Builder,
) -> Result<(), Problem> {
    let Kind::Int { bits, names } = row.kind else { return Ok(()) };
    let Some(argument) = argument else {
        let message = format!("`{keyword}` needs a number");
        return Err(
            Problem::spanned("R030", 0..0, message).hint(format!("for example `{}`", row.example))
        );
    };
    if let Some(list) = ListTest::parse(row.name, argument, bits, names)? {
        builder.rule.lists.push(list);
        return Ok(());
    }
    let test = IntegerTest::parse(argument, bits, names)?;
    builder.rule.numbers.push(NumberTest::new(row.name, test));
    Ok(())
}

fn unknown(option: &OptionText<'_>, catalog: &Catalog) -> Refusal {
    let keyword = option.keyword();
    let keyword = keyword.as_ref();
    if let Some(refused) = refusal(keyword) {
        let message = format!("`{keyword}` is not evaluated here: {}", refused.why);
        let problem = Problem::spanned("R911", option.name.span(), message).hint(refused.hint);
        return Refusal { problems: vec![problem], keyword: Some(keyword.to_owned()) };
    }
    let mut names: Vec<&str> = catalog.names().collect();
    names.extend(super::operators::OPERATORS.iter().map(|operator| operator.name));
    names.sort_unstable();
    let mut problem =
        Problem::spanned("R910", 0..0, format!("the keyword `{keyword}` is not known here"));
    problem.span = option.name.span();
    problem = problem.hint(match nearest(keyword, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`rivellino rules keywords` lists what is known".to_owned(),
    });
    Refusal { problems: vec![problem], keyword: Some(keyword.to_owned()) }
}

/// Why a rule over both halves of a transaction does not ask for both.
fn not_both(rule: &Rule, catalog: &Catalog) -> Option<&'static str> {
    if rule.flow.to_server || rule.flow.to_client {
        return Some("`flow` names one direction, `=>` means both");
    }
    let (mut request, mut response) = (false, false);
    let buffers = rule.buffers.iter().map(|test| match test.buffer {
        Buffer::Field(name) => Some(name),
        Buffer::Payload | Buffer::Frame(..) => None,
    });
    let lists = rule.lists.iter().map(|list| list.field);
    let numbers = rule.numbers.iter().map(|number| number.field).chain(lists);
    for name in buffers.chain(numbers.map(Some)) {
        let Some(name) = name else { return Some("`=>` is about transactions, not payload") };
        let rows = catalog.places(name).iter().filter_map(|place| catalog.row(*place));
        let (mut here, mut there) = (false, false);
        for row in rows {
            here |= row.side != Side::Response;
            there |= row.side != Side::Request;
        }
        if here && there {
            return Some("with `=>` a buffer must be of one half alone");
        }
        request |= here;
        response |= there;
    }
    (!request || !response).then_some("the rule tests one half of the transaction alone")
}

/// The name of a field that is always in small letters, if a test of it asks for a capital.
fn capitals(test: &BufferTest) -> Option<&'static str> {
    const SMALL: &[&str] = &["http.host"];
    let Buffer::Field(name) = test.buffer else { return None };
    let has = |step: &Step| match step {
        Step::Content(content) => {
            !content.negated && content.literal.bytes.iter().any(u8::is_ascii_uppercase)
        }
        _ => false,
    };
    (SMALL.contains(&name) && test.transforms.is_empty() && test.steps.iter().any(has))
        .then_some(name)
}

/// What can only be judged when all options are known.
fn finish(parsed: &ParsedRule<'_>, builder: Builder, catalog: &Catalog) -> Result<Rule, Refusal> {
    let refuse = |code, message: &str, help: &str| {
        let mut problem = Problem::spanned(code, 0..0, message).hint(help);
        problem.span = parsed.text.span();
        Refusal { problems: vec![problem], keyword: None }
    };
    let mut rule = builder.rule;
    if rule.signature.sid == 0 {
        return Err(refuse("R040", "the rule has no `sid`", "give it a number: `sid:1000001;`"));
    }
    if rule.flow.to_server && rule.flow.to_client {
        let help = "keep one of them, or leave both away";
        return Err(refuse("R041", "`flow` asks for both directions at once", help));
    }
    if !rule.host_bits.is_empty() {
        if rule.action == Action::Pass {
            let help = "`flowbits` keeps marks on one conversation";
            let message = "what passes cannot depend on marks of hosts (`xbits`, `hostbits`)";
            return Err(refuse("R904", message, help));
        }
        Arc::make_mut(&mut rule.signature).host_bits.clone_from(&rule.host_bits);
    }
    if rule.header.transaction
        && let Some(message) = not_both(&rule, catalog)
    {
        let help = "with `=>` a rule tests a buffer of the request and one of the response";
        return Err(refuse("R902", message, help));
    }
    if let Some(field) = rule.buffers.iter().find_map(capitals) {
        let message =
            format!("`{field}` is in small letters: a content with capitals is never found");
        return Err(refuse("R117", &message, "write the content in small letters"));
    }
    // A buffer that is named but not tested asks nothing.
    let asks = |test: &BufferTest| !test.steps.is_empty() || test.absent != Absent::No;
    let kept = |index: usize| rule.buffers.get(index).is_some_and(asks);
    if let Some((index, step)) = rule.fast_pattern {
        let before = (0..index).filter(|at| kept(*at)).count();
        rule.fast_pattern = kept(index).then_some((before, step));
    }
    rule.buffers.retain(asks);
    // There are tens of thousands of rules, and they stay.
    rule.buffers.shrink_to_fit();
    rule.buffers.iter_mut().for_each(|test| test.steps.shrink_to_fit());
    rule.numbers.shrink_to_fit();
    rule.packets.shrink_to_fit();
    rule.flowbits.shrink_to_fit();
    rule.fast_pattern = rule.fast_pattern.filter(|(buffer, step)| {
        let found = rule.buffers.get(*buffer).and_then(|test| test.steps.get(*step));
        found.and_then(Step::literal).is_some()
    });
    Ok(rule)
}
