//! What rules keep of traffic, and what they know of addresses.

use super::*;
use crate::detect::places::{LastPlaces, Places};
use crate::detect::reputation::Reputations;
use crate::record::NamedText;

/// The alerts of rules when `pieces` are sent to the server, one packet each.
fn alerts(rules: &str, pieces: &[&[u8]]) -> Vec<Alert> {
    let mut inspector = inspector(rules);
    let headers = headers();
    let mut alerts: Vec<(usize, Alert)> = Vec::new();
    for piece in pieces {
        inspector.begin();
        inspector.stream(3, Direction::ToServer, piece);
        let view = view(inspector.streamed(3), true);
        inspector.inspect(&[item(&headers, piece, &view)], &mut alerts);
    }
    alerts.into_iter().map(|(_, alert)| alert).collect()
}

fn texts(texts: &[NamedText]) -> Vec<String> {
    let text = |text: &NamedText| format!("{}={}", text.name, text.value.escape_ascii());
    texts.iter().map(text).collect()
}

#[test]
fn what_groups_hold_is_kept_where_the_rule_says() {
    let rules = r#"
alert tcp any any -> any any (pcre:"/user=(\w+) pass=(\w+) from=(\w+)/, flow:ua/user, alert:pass, pkt:from"; sid:1;)
alert tcp any any -> any any (pcre:"/(?P<flow_host>h\w+) (?P<other>\w+) (?P<pkt_rest>.+)/"; sid:2;)
alert tcp any any -> any any (pcre:"/^([A-Z]+) (\S+)/, pkt:key, pkt:value"; sid:3;)
"#;
    let seen = alerts(rules, &[b"user=bob pass=x from=here", b"; PUT ", b"hal some more\xff"]);
    let told: Vec<_> = seen
        .iter()
        .map(|alert| {
            let captured = alert.captured.as_ref().unwrap();
            let kept = [&captured.flow, &captured.packet, &captured.alert].map(|kept| texts(kept));
            (alert.signature.sid, kept)
        })
        .collect();
    let lists =
        |lists: [&[&str]; 3]| lists.map(|list| list.iter().map(|t| (*t).to_owned()).collect());
    let first = lists([&["ua/user=bob"], &["from=here"], &["pass=x"]]);
    let last = lists([&["ua/user=bob", "host=hal"], &["rest=more\\xff"], &[]]);
    assert_eq!(told, [(1, first), (2, last)]);
    let pair = alerts(rules, &[b"GET /index"]);
    assert_eq!(texts(&pair[0].captured.as_ref().unwrap().packet), ["GET=/index"]);
}

#[test]
fn kept_texts_are_asked_by_rules_behind() {
    let rules = r#"
alert tcp any any -> any any (content:"go"; flowvar:user,"oo"; sid:1;)
alert tcp any any -> any any (content:"go"; pktvar:word,"|67|o"; sid:2;)
alert tcp any any -> any any (content:"user"; pcre:"/user (\w+)/, flow:user"; content:"never"; sid:3;)
alert tcp any any -> any any (content:"login"; pcre:"/login (\w+)/, flow:user"; noalert; sid:4;)
alert tcp any any -> any any (content:"go"; pcre:"/(go\w)/, pkt:word"; noalert; sid:5;)
"#;
    let sids = |pieces: &[&[u8]]| -> Vec<u32> {
        alerts(rules, pieces).iter().map(|alert| alert.signature.sid).collect()
    };
    assert_eq!(sids(&[b"login root", b"; go"]), [1]);
    assert_eq!(sids(&[b"login bob", b"; go"]), [0_u32; 0]);
    assert_eq!(sids(&[b"user root", b"; go"]), [0_u32; 0], "the rule did not match");
    assert_eq!(sids(&[b"gone"]), [2]);
    assert_eq!(sids(&[b"go"]), [0_u32; 0], "it was not captured in this packet");
}

#[test]
fn a_later_match_is_what_is_kept() {
    // The first match is not followed by what the rule wants; the second is.
    let rules = r#"alert tcp any any -> any any (pcre:"/(\d+)(x)?/, flow:n, flow:x"; content:"!"; distance:0; within:1; sid:1;)"#;
    let seen = alerts(rules, &[b"12x 345!"]);
    assert_eq!(texts(&seen[0].captured.as_ref().unwrap().flow), ["n=345"]);
}

/// What the flow keeps after rules saw one packet, and what was given up and refused.
fn kept(rules: &str, payload: &[u8]) -> (Vec<String>, (u64, u64)) {
    let mut inspector = inspector(rules);
    let (headers, mut alerts) = (headers(), Vec::new());
    inspector.stream(3, Direction::ToServer, payload);
    let view = view(inspector.streamed(3), true);
    inspector.inspect(&[item(&headers, payload, &view)], &mut alerts);
    let (_, given_up, refused) = inspector.shed();
    (texts(&inspector.texts(3)), (given_up, refused))
}

#[test]
fn groups_are_looked_into_where_the_match_began() {
    for length in [0, 300] {
        let payload = [&b"-".repeat(length), &b"id=root; x"[..]].concat();
        for expression in
            [r"(id)=(\w+)", r"(id)=\K(\w+)", r"(i)d=(?=(root))\K", r"(?<=(i)d=)(r\w+)"]
        {
            let rule = format!(
                "alert tcp any any -> any any (pcre:\"/{expression}/, flow:a, flow:b\"; sid:1;)"
            );
            let (texts, shed) = kept(&rule, &payload);
            assert_eq!(shed, (0, 0), "{expression} {length}");
            assert_eq!(texts.len(), 2, "{expression} {length}: {texts:?}");
            assert!(texts[1].starts_with("b=root") && texts[0].starts_with("a=i"), "{texts:?}");
        }
    }
    let decoded = r#"alert tcp any any -> any any (content:"v="; base64_decode:relative; base64_data; pcre:"/(r\w+)/, flow:a"; sid:1;)"#;
    assert_eq!(kept(decoded, b"v=dXNlcj1yb290").0, ["a=root"]);
}

#[test]
fn no_rule_is_given_up_for_what_it_captures() {
    // Each byte is a match that what follows refuses, but the last.
    let payload = [&b"ab ".repeat(2_000), &b"cd!"[..]].concat();
    let rule = |names: &str| {
        format!(
            "alert tcp any any -> any any (pcre:\"/(?=(\\w)(\\w))\\w\\w/{names}\"; content:\"!\"; distance:0; within:1; sid:1;)"
        )
    };
    let (_, without) = kept(&rule(""), &payload);
    let (_, with) = kept(&rule(", flow:a, flow:b"), &payload);
    assert_eq!(with, without);
    // Groups that would cost too much are refused and counted by themselves; the rule matches.
    let costly = r#"alert tcp any any -> any any (pcre:"/((?=x)(x*y*)*z)/, alert:a"; sid:1;)"#;
    let long = [&b"xy".repeat(700), &b"z"[..]].concat();
    let (texts, shed) = kept(costly, &long);
    assert_eq!((texts.len(), shed.1), (0, u64::from(shed.0 == 0)), "{shed:?}");
}

#[test]
fn what_a_failed_rule_captured_is_gone() {
    let rules = r#"
alert tcp any any -> any any (pcre:"/(a)/, flow:a"; dsize:>0; content:"d"; sid:1;)
alert tcp any any -> any any (pcre:"/(a)/, flow:a"; content:"c"; sid:2;)
alert tcp any any -> any any (content:"a"; sid:3;)
"#;
    let seen = alerts(rules, &[b"ab"]);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].captured, None);
}

#[test]
fn alerts_share_what_is_kept_and_name_each_text_once() {
    let rules = r#"
alert tcp any any -> any any (pcre:"/u=(\w)(\w)/, flow:u, alert:v"; pcre:"/p=(\w)/, alert:v"; sid:1;)
alert tcp any any -> any any (content:"u="; sid:2;)
alert tcp any any -> any any (content:"p="; sid:3;)
"#;
    let seen = alerts(rules, &[b"u=ab p=c"]);
    let captured: Vec<_> = seen.iter().map(|alert| alert.captured.as_ref().unwrap()).collect();
    assert_eq!(texts(&captured[0].alert), ["v=c"]);
    assert_eq!(captured.len(), 3);
    assert!(captured.iter().all(|other| other.flow.shares(&captured[0].flow)));
}

#[test]
fn pairs_are_of_packets_and_whole() {
    let told = |names: &str| {
        let text =
            format!("alert tcp any any -> any any (pcre:\"/(a)(b)(c)/, {names}\"; sid:1;)\n");
        let (_, told, _) = load(&[("a".into(), text)], &mut Variables::default());
        told.first().map(|told| told.to_string())
    };
    for (names, place) in [
        ("pkt:key", "pkt:key"),
        ("flow:x, pkt:value", "pkt:value"),
        ("pkt:key, flow:x, pkt:value", "pkt:key"),
        ("pkt:key, pkt:key, pkt:value", "pkt:key"),
        ("pkt:key, flow:value", "pkt:key"),
    ] {
        let told = told(names).unwrap_or_default();
        assert!(told.contains("R147") && told.contains("write `pkt:key, pkt:value`"), "{told}");
        let line = told.lines().find(|line| line.contains("^")).unwrap();
        let source = told.lines().find(|line| line.contains("sid:1")).unwrap();
        let at = line.find('^').unwrap();
        assert!(source.get(at..).is_some_and(|rest| rest.starts_with(place)), "{told}");
    }
    assert_eq!(told("flow:key, flow:value"), None);
    assert_eq!(told("alert:value"), None);
    let rule = r#"alert tcp any any -> any any (pcre:"/(a)(b)/, flow:key, flow:value"; sid:1;)"#;
    assert_eq!(kept(rule, b"ab").0, ["key=a", "value=b"]);
    let negated = r#"alert tcp any any -> any any (pcre:!"/(a)/, flow:x"; sid:1;)"#;
    let (_, told, _) = load(&[("a".into(), negated.into())], &mut Variables::default());
    assert!(told[0].to_string().contains("holds nothing to keep"), "{}", told[0]);
}

#[test]
fn what_is_no_list_of_names_is_told() {
    for (options, code) in [
        (r#"pcre:"/a(b)/, flow:x, odd";"#, "R147"),
        (r#"pcre:"/a(b)/, flow:x, pkt:y";"#, "R147"),
        (r#"pcre:!"/a(b)/, flow:x";"#, "R147"),
        (r#"flowvar:x;"#, "R226"),
        (r#"flowvar:,"a";"#, "R226"),
        (r#"pktvar:x,"|0|";"#, "R226"),
        (r#"iprep:src,CnC,>,1;"#, "R241"),
        (r#"iprep:up,CnC,>,1;"#, "R240"),
        (r#"iprep:src,CnC,>,128;"#, "R240"),
        (r#"iprep:src,CnC,isset,1;"#, "R240"),
        (r#"geoip:src,IT;"#, "R243"),
        (r#"geoip:src,Italy;"#, "R242"),
        (r#"geoip:IT;"#, "R243"),
        (r#"geoip:src,IT,!FR;"#, "R242"),
        (r#"geoip:up,IT,!FR;"#, "R242"),
    ] {
        let text = format!("alert tcp any any -> any any ({options} sid:1;)\n");
        let (_, told, summary) = load(&[("a".into(), text)], &mut Variables::default());
        assert_eq!((summary.failed, told[0].code), (1, code), "{options}");
    }
}

/// The numbers of the rules that alert on two packets from 192.0.2.1 to 192.0.2.2.
fn known(variables: &mut Variables, rules: &str) -> Vec<u32> {
    let (set, told, summary) = load(&[("a".into(), rules.to_owned())], variables);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(summary.failed, 0, "{}", told.join("\n"));
    let mut inspector = Inspector::new(Arc::new(set));
    let (headers, view) = (headers(), view([0, 0], false));
    let mut alerts = Vec::new();
    for _ in 0..2 {
        inspector.inspect(&[item(&headers, b"x", &view)], &mut alerts);
    }
    let mut sids: Vec<u32> = alerts.iter().map(|(_, alert)| alert.signature.sid).collect();
    sids.sort_unstable();
    sids
}

#[test]
fn reputations_are_asked_of_either_end() {
    let mut reputations = Reputations::default();
    assert!(reputations.categories("1,CnC,\n2,Good,\n").is_empty());
    assert!(reputations.add("192.0.2.0/31,1,50\n192.0.2.2,2,10\n").is_empty());
    let mut variables = Variables::default();
    variables.companions.reputations = Some(reputations.into());
    let asks = [
        "any,CnC,>,30",
        "src,CnC,=,50",
        "src,CnC,>,50",
        "dst,CnC,<,99",
        "both,CnC,>=,1",
        "dst,CnC,isnotset",
        "dst,Good,isset",
        "src,Good,isset",
        "dst,Good,<=,10",
        "both,Good,isnotset",
    ];
    let rule = |(sid, ask): (usize, &&str)| {
        format!("alert ip any any -> any any (iprep:{ask}; sid:{};)\n", sid + 1)
    };
    let rules: String = asks.iter().enumerate().map(rule).collect();
    assert_eq!(known(&mut variables, &rules), [1, 2, 6, 7, 9], "once for the flow");
    let ported = "alert tcp any any -> any 80 (iprep:src,CnC,>,1; sid:1;)";
    assert_eq!(known(&mut variables, ported), [1, 1], "at every packet");
    let passed = "pass ip any any -> any any (iprep:src,CnC,>,1; sid:1;)\n\
                  alert tcp any any -> any any (content:\"x\"; sid:2;)\n";
    assert_eq!(known(&mut variables, passed), [0_u32; 0]);
    let (_, told, _) = load(
        &[("a".into(), "alert ip any any -> any any (iprep:src,CNC,isset; sid:1;)".into())],
        &mut variables,
    );
    assert!(told[0].to_string().contains("did you mean `CnC`?"), "{}", told[0]);
}

/// A value of MaxMind's format: control byte, extended kinds in a second one.
fn value(kind: u8, size: usize, content: &[u8]) -> Vec<u8> {
    let size = u8::try_from(size).unwrap();
    let mut bytes = if kind > 7 { vec![size, kind - 7] } else { vec![kind << 5 | size] };
    bytes.extend_from_slice(content);
    bytes
}

fn word(text: &str) -> Vec<u8> {
    value(2, text.len(), text.as_bytes())
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> =
        pairs.iter().flat_map(|(key, value)| [word(key), value.clone()].concat()).collect();
    value(7, pairs.len(), &content)
}

/// A database that knows the countries of single IPv4 addresses.
fn database(countries: &[([u8; 4], &str)]) -> Vec<u8> {
    let data = |code: &str| map(&[("country", map(&[("iso_code", word(code))]))]);
    let mut content = Vec::new();
    let mut nodes: Vec<[Option<u32>; 2]> = vec![[None; 2]];
    // What a record of the last bit points to, as a place in the data.
    let mut leaves = Vec::new();
    for (address, code) in countries {
        let mut at = 0;
        for place in (0..32).rev() {
            let bit = (u32::from_be_bytes(*address) >> place & 1) as usize;
            if place == 0 {
                leaves.push((at, bit, content.len()));
            } else {
                let next = nodes[at][bit].unwrap_or(u32::try_from(nodes.len()).unwrap());
                if nodes[at][bit].is_none() {
                    nodes.push([None; 2]);
                }
                nodes[at][bit] = Some(next);
                at = next as usize;
            }
        }
        content.extend(data(code));
    }
    let count = u32::try_from(nodes.len()).unwrap();
    for (node, bit, place) in leaves {
        nodes[node][bit] = Some(count + 16 + u32::try_from(place).unwrap());
    }
    let records = nodes.iter().flatten().map(|record| record.unwrap_or(count));
    let mut file: Vec<u8> = records.flat_map(|record| record.to_be_bytes()[1..].to_vec()).collect();
    file.extend([0; 16]);
    file.extend(content);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let number = |n: u16| value(5, 2, &n.to_be_bytes());
    file.extend(map(&[
        ("node_count", value(6, 4, &count.to_be_bytes())),
        ("record_size", number(24)),
        ("ip_version", number(4)),
        ("database_type", word("Test-Country")),
        ("languages", value(11, 0, b"")),
        ("binary_format_major_version", number(2)),
        ("binary_format_minor_version", number(0)),
        ("build_epoch", value(9, 1, b"\x01")),
        ("description", map(&[])),
    ]));
    file
}

#[test]
fn countries_are_asked_of_either_end() {
    let file = database(&[([192, 0, 2, 1], "IT"), ([192, 0, 2, 2], "SM")]);
    assert!(Places::new(b"no database".to_vec()).is_err());
    let mut variables = Variables::default();
    variables.companions.places = Some(Places::new(file).unwrap().into());
    let asks = [
        "any,IT",
        "src,it,FR",
        "dst,IT",
        "both,IT,SM",
        "both,IT",
        "any,!IT",
        "src,!IT,SM",
        "IT",
        "!SM",
    ];
    let rule = |(sid, ask): (usize, &&str)| {
        format!("alert ip any any -> any any (geoip:{ask}; sid:{};)\n", sid + 1)
    };
    let rules: String = asks.iter().enumerate().map(rule).collect();
    assert_eq!(
        known(&mut variables, &rules),
        [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 9, 9],
        "at every packet"
    );
    let empty = Places::new(database(&[([198, 51, 100, 1], "IT")])).unwrap();
    assert_eq!(empty.country(IpAddr::from([192, 0, 2, 1])), None, "not known");
    assert_eq!(empty.country("2001:db8::1".parse().unwrap()), None, "not of this version");
    let rule = "alert ip any any -> any any (geoip:src,IT,!FR; sid:1;)".to_owned();
    let (_, told, _) = load(&[("a".into(), rule)], &mut variables);
    assert!(told[0].to_string().contains("before the first country"), "{}", told[0]);
}

#[test]
fn an_address_is_looked_up_once_whatever_asks() {
    let end = IpAddr::from([192, 0, 2, 1]);
    let places = |code| Places::new(database(&[([192, 0, 2, 1], code)])).unwrap();
    let last = LastPlaces::default();
    assert_eq!(last.country(&places("IT"), end), Some(*b"IT"));
    assert_eq!(last.country(&places("SM"), end), Some(*b"IT"), "not looked up again");
    let ruleset = |code| {
        let mut variables = Variables::default();
        variables.companions.places = Some(places(code).into());
        let rule = "alert ip any any -> any any (geoip:src,IT; sid:1;)".to_owned();
        Arc::new(load(&[("a".into(), rule)], &mut variables).0)
    };
    let mut inspector = Inspector::new(ruleset("IT"));
    let (headers, view, mut alerts) = (headers(), view([0, 0], false), Vec::new());
    inspector.inspect(&[item(&headers, b"x", &view)], &mut alerts);
    inspector.replace(ruleset("SM"));
    inspector.inspect(&[item(&headers, b"x", &view)], &mut alerts);
    assert_eq!(alerts.len(), 1, "another database says otherwise");
}

#[test]
fn texts_of_the_packet_are_there_for_rules_over_no_payload() {
    let rules = r#"
alert tcp any any -> any any (pktvar:word,"go"; sid:1;)
alert tcp any any -> any any (content:"say "; pcre:"/say (\w+)/, pkt:word"; noalert; sid:2;)
"#;
    let sids = |pieces: &[&[u8]]| -> Vec<u32> {
        alerts(rules, pieces).iter().map(|alert| alert.signature.sid).collect()
    };
    assert_eq!(sids(&[b"say go"]), [1]);
    assert_eq!(sids(&[b"say go", b"more"]), [1], "with the packet alone");
    assert_eq!(sids(&[b"say no"]), [0_u32; 0]);
}

#[test]
fn what_ends_with_its_delimiter_is_captured_however_the_stream_is_cut() {
    let rule =
        r#"alert tcp any any -> any any (content:"user="; pcre:"/user=(\w+)&/, flow:u"; sid:1;)"#;
    for pieces in [&[&b"user=bob&"[..]][..], &[b"user=bo", b"b&"], &[b"us", b"er=b", b"ob", b"&"]] {
        let seen = alerts(rule, pieces);
        assert_eq!(seen.len(), 1);
        assert_eq!(texts(&seen[0].captured.as_ref().unwrap().flow), ["u=bob"]);
    }
    // Without one it is what had come when the rule matched.
    let open = rule.replace("&/", "/");
    let seen = alerts(&open, &[b"user=bo", b"b&"]);
    assert_eq!(texts(&seen[0].captured.as_ref().unwrap().flow), ["u=bo"]);
}

#[test]
fn texts_of_the_flow_outlive_its_rules() {
    let ruleset = |rules: &str| {
        Arc::new(load(&[("a".into(), rules.to_owned())], &mut Variables::default()).0)
    };
    let mut inspector = Inspector::new(ruleset(
        r#"alert tcp any any -> any any (content:"u="; pcre:"/u=(\w+)/, flow:u"; sid:1;)"#,
    ));
    let (headers, mut alerts) = (headers(), Vec::new());
    for payload in [&b"u=bob"[..], b" go"] {
        inspector.begin();
        inspector.stream(3, Direction::ToServer, payload);
        let view = view(inspector.streamed(3), true);
        inspector.inspect(&[item(&headers, payload, &view)], &mut alerts);
        inspector.replace(ruleset(
            r#"alert tcp any any -> any any (content:"go"; flowvar:u,"bob"; sid:2;)"#,
        ));
    }
    let sids: Vec<u32> = alerts.iter().map(|(_, alert)| alert.signature.sid).collect();
    assert_eq!(sids, [1, 2]);
}

#[test]
fn texts_without_room_are_refused_and_counted() {
    let rules: String = (1..=34)
        .map(|sid| {
            format!("alert tcp any any -> any any (content:\"x\"; pcre:\"/(x)/, flow:n{sid}\"; sid:{sid};)\n")
        })
        .collect();
    let (texts, (given_up, refused)) = kept(&rules, b"x");
    assert_eq!((texts.len(), given_up, refused), (32, 0, 2));
}
