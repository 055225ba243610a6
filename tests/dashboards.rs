//! Dashboards and rules tell the truth: they are as a linter wants them, and against a sensor and a
//! hub that run, a real Prometheus has data for every panel and a real Alertmanager gets the alert.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::live::{ALONE, Wire, is_possible, run, until};
use crate::support::hub::{Authority, COLLECTION, INDICATORS};
use crate::support::{lint, root};

/// Series of one sensor, and of one hub, at most.
const SERIES_MAX: usize = 500;
/// What the variables of dashboards stand for in the tests.
const INTERVAL: &str = "2m";
/// How long every panel may take to have data: what is not grave leaves once a minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long an alert may take: a minute until it fires, and some seconds on its way.
const ALERT: Duration = Duration::from_secs(120);

fn boards() -> Vec<(PathBuf, Value)> {
    let folder = root().join("dashboards/grafana");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let board =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, board)
    };
    paths.into_iter().map(read).collect()
}

/// Title and expression of every target of every panel.
fn targets(board: &Value) -> Vec<(String, String)> {
    let panels = board["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| {
            let title = panel["title"].as_str().unwrap().to_owned();
            let targets = panel["targets"].as_array().unwrap().iter();
            targets.map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
        })
        .collect()
}

/// With values in place of the variables.
fn substituted(expr: &str) -> String {
    expr.replace("$__rate_interval", INTERVAL).replace("$job", ".+").replace("$instance", ".+")
}

/// Names of metrics of ours in an expression.
fn metrics(expr: &str) -> BTreeSet<String> {
    let words = expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.starts_with("rivellino_")).map(str::to_owned).collect()
}

#[test]
fn dashboards_are_as_a_linter_wants_them() {
    let boards = boards();
    assert!(boards.len() >= 6);
    let mut uids = BTreeSet::new();
    for (path, board) in &boards {
        let shown = path.file_name().unwrap().to_str().unwrap();
        let uid = board["uid"].as_str().unwrap();
        assert!(uids.insert(uid.to_owned()) && shown == format!("{uid}.json"), "{shown}: {uid}");
        assert!(board.get("id").is_none(), "{shown}: an id is of one server");
        assert_eq!(board["editable"], false, "{shown}");
        assert!(
            board["schemaVersion"].as_u64().unwrap() >= 36
                && !board["title"].as_str().unwrap().is_empty()
        );
        let variables = board["templating"]["list"].as_array().unwrap();
        let names: Vec<&str> = variables.iter().map(|of| of["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["datasource", "job", "instance"], "{shown}");
        assert_eq!(
            (&variables[0]["type"], &variables[0]["query"]),
            (&"datasource".into(), &"prometheus".into())
        );
        for variable in &variables[1..] {
            assert_eq!(variable["refresh"], 2, "{shown}: on change of the time range");
            assert_eq!(variable["datasource"]["uid"], "${datasource}");
            assert!(variable["definition"].as_str().unwrap().starts_with("label_values("));
        }
        let mut titles = BTreeSet::new();
        for panel in board["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(titles.insert(title), "{shown}: {title} twice");
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{shown}: {title}");
            assert!(!panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap().is_empty());
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{shown}: {title}");
            assert!(!panel["targets"].as_array().unwrap().is_empty());
        }
        for (title, expr) in targets(board) {
            let place = format!("{shown}: {title}: {expr}");
            for metric in metrics(&expr) {
                let selector = format!("{metric}{{job=~\"$job\", instance=~\"$instance\"");
                assert!(expr.contains(&selector), "no matchers of job and instance: {place}");
                let is_counter = metric.ends_with("_total") || metric.ends_with("_bucket");
                let before = expr.split(&metric).next().unwrap();
                let within = before.ends_with("rate(") || before.ends_with("increase(");
                assert_eq!(is_counter, within, "a counter alone means nothing: {place}");
            }
            if expr.contains("rate(") {
                assert!(expr.contains("[$__rate_interval]"), "{place}");
            }
        }
    }
}

fn has(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn rules_hold_and_every_expression_is_understood() {
    if !has("promtool") {
        println!("skipped: rules of Prometheus (there is no promtool)");
        return;
    }
    let folder = root().join("dashboards/prometheus");
    let promtool = |arguments: &[&str]| {
        let output =
            Command::new("promtool").args(arguments).current_dir(&folder).output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    };
    promtool(&["check", "rules", "recording.rules.yml", "alerts.rules.yml"]);
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["test", "rules", "alerts.test.yml"]);
    // The expressions of dashboards, as rules.
    let scratch = tempfile::tempdir().unwrap();
    let mut rules = "groups:\n  - name: panels\n    rules:\n".to_owned();
    let mut count = 0;
    for (_, expr) in boards().iter().flat_map(|(_, board)| targets(board)) {
        count += 1;
        let expr = serde_json::to_string(&substituted(&expr)).unwrap();
        rules.push_str(&format!("      - record: panel:{count}\n        expr: {expr}\n"));
    }
    assert!(count > 50);
    let path = scratch.path().join("panels.yml");
    std::fs::write(&path, rules).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()]);
    // Alerts carry what people need in both languages, and nothing else in their labels.
    let alerts = std::fs::read_to_string(folder.join("alerts.rules.yml")).unwrap();
    let names = alerts.matches("- alert: ").count();
    for word in ["summary: ", "sommario: ", "action: ", "severity: "] {
        assert_eq!(alerts.matches(word).count(), names, "{word}");
    }
}

/// A program that runs in the namespace of the sensor; killed when it is dropped.
struct Running(Child);

impl Running {
    fn start(wire: &Wire, folder: &Path, name: &str, program: &str, arguments: &[&str]) -> Self {
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let child = Command::new("ip")
            .args(["netns", "exec", &wire.far, program])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    fn end(&mut self) {
        run("kill", &["-TERM", &self.0.id().to_string()]);
        let begun = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(wire: &Wire, url: &str, query: Option<&str>) -> String {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &wire.far, "curl", "-s", "--max-time", "10", "-G", url]);
    if let Some(query) = query {
        command.arg("--data-urlencode").arg(format!("query={query}"));
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// How many series a query gives; nothing while Prometheus does not answer.
fn results(wire: &Wire, query: &str) -> usize {
    let answer = get(wire, "http://127.0.0.1:9090/api/v1/query", Some(query));
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    answer["data"]["result"].as_array().map_or(0, Vec::len)
}

/// Lints a page of metrics; its series, and their names without labels.
fn page(wire: &Wire, port: u16) -> (usize, BTreeSet<String>) {
    let page = get(wire, &format!("http://127.0.0.1:{port}/metrics"), None);
    lint(&page);
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let names = lines.iter().map(|line| line.split(['{', ' ']).next().unwrap().to_owned());
    for line in &lines {
        for value in line.split('"').skip(1).step_by(2) {
            assert!(value.parse::<std::net::IpAddr>().is_err(), "an address: {line}");
            let dots = value.matches('.').count();
            assert!(dots == 0 || value.parse::<f64>().is_ok(), "a name: {line}");
        }
    }
    (lines.len(), names.collect())
}

/// Writes what the sensor, the hub, Prometheus and Alertmanager need.
fn furnish(folder: &Path) {
    let authority = Authority::new();
    authority.furnish(folder);
    let uri = "urn:rivellino:cosc/13/region/19/comune/082053/sensor/1";
    let sensor = authority.party(uri);
    std::fs::write(folder.join("sensor.pem"), sensor.certificate).unwrap();
    std::fs::write(folder.join("sensor.key"), sensor.key).unwrap();
    let policy = format!(
        "[identity]\nistat = \"082053\"\nregion = 19\ncosc = 13\nsensor = 1\n\
         [basis]\nlaw = \"D.Lgs. 138/2024, art. 17\"\nagreement = \"test\"\n\
         valid-until = \"2999-12-31\"\n\
         [sharing]\ntlp-ceiling = \"amber\"\nlevel = \"low\"\ndetectors = [\"all\"]\n\
         signatures = true\nown-names = [\"comune.esempio.it\"]\n\
         [[recipient]]\nname = \"COSC\"\napi-root = \"https://127.0.0.1:8443/hub/\"\n\
         collection = \"{COLLECTION}\"\nindicators = \"{INDICATORS}\"\ntlp = \"amber\"\n\
         [tls]\ncertificate = \"sensor.pem\"\nkey = \"sensor.key\"\nauthority = \"ca.pem\"\n"
    );
    std::fs::write(folder.join("sharing-policy.toml"), policy).unwrap();
    let hub = format!(
        "listen = \"127.0.0.1:8443\"\nmetrics = \"127.0.0.1:9478\"\nfolder = \"store\"\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclients = \"ca.pem\"\n\
         [[collection]]\nid = \"{COLLECTION}\"\ntitle = \"sightings\"\nkind = \"inbox\"\n\
         [[collection]]\nid = \"{INDICATORS}\"\ntitle = \"indicators\"\nkind = \"indicators\"\n"
    );
    let relay = if is_relayed() { relay(folder, &authority) } else { String::new() };
    std::fs::write(folder.join("hub.toml"), hub + &relay).unwrap();
    // The example, with a second in place of a quarter of a minute.
    let example = root().join("dashboards/prometheus");
    let config = std::fs::read_to_string(example.join("prometheus.yml")).unwrap();
    let config = config
        .replace("15s", "1s")
        .replace("- recording", &format!("- {}/recording", example.display()))
        .replace("- alerts", &format!("- {}/alerts", example.display()));
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    let config = root().join("dashboards/alertmanager/alertmanager.yml");
    std::fs::copy(config, folder.join("alertmanager.yml")).unwrap();
}

/// Whether the hub was built to speak NATS, and there is a server to speak to.
fn is_relayed() -> bool {
    cfg!(feature = "nats") && has("nats-server")
}

/// Writes what a server of NATS needs; the end of the hub's configuration.
fn relay(folder: &Path, authority: &Authority) -> String {
    let own = authority.party("urn:example:hub");
    std::fs::write(folder.join("relay.pem"), own.certificate).unwrap();
    std::fs::write(folder.join("relay.key"), own.key).unwrap();
    let server = "listen: \"127.0.0.1:4222\"\nmax_payload: 1MB\n\
         jetstream { store_dir: \"nats\", max_memory_store: 16MB, max_file_store: 64MB }\n\
         tls { cert_file: \"server.pem\", key_file: \"server.key\", ca_file: \"ca.pem\", \
         verify: true }\n";
    std::fs::write(folder.join("nats.conf"), server).unwrap();
    format!(
        "[relay]\nservers = [\"tls://localhost:4222\"]\n[relay.tls]\n\
         certificate = \"relay.pem\"\nkey = \"relay.key\"\nauthority = \"ca.pem\"\n\
         [[relay.publish]]\ncollection = \"{COLLECTION}\"\nstream = \"UP\"\nsubject = \"up\"\n\
         tlp = \"amber\"\nlimits = {{ days = 1, mib = 32 }}\n"
    )
}

#[test]
fn every_panel_has_data_and_the_alert_arrives() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let tools = ["prometheus", "promtool", "prometheus-alertmanager"];
    if let Some(missing) = tools.iter().find(|tool| !has(tool)) {
        println!("skipped: panels against a sensor (there is no {missing})");
        return;
    }
    if !is_possible() {
        return;
    }
    let wire = Wire::new();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    furnish(folder);
    let own = env!("CARGO_BIN_EXE_rivellino");
    let _nats = is_relayed()
        .then(|| Running::start(&wire, folder, "nats", "nats-server", &["-c", "nats.conf"]));
    let _hub = Running::start(&wire, folder, "hub", own, &["hub", "serve"]);
    let watch = [
        "watch",
        "-i",
        "hearing",
        "-n",
        "1",
        "-o",
        "out",
        "--listen",
        "127.0.0.1:9477",
        "--policy",
        "sharing-policy.toml",
        "--policy-folder",
        "exchange",
    ];
    let mut sensor = Running::start(&wire, folder, "sensor", own, &watch);
    let _prometheus = Running::start(
        &wire,
        folder,
        "prometheus",
        "prometheus",
        &[
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=tsdb",
            "--web.listen-address=127.0.0.1:9090",
        ],
    );
    let _alertmanager = Running::start(
        &wire,
        folder,
        "alertmanager",
        "prometheus-alertmanager",
        &[
            "--config.file=alertmanager.yml",
            "--storage.path=am",
            "--cluster.listen-address=",
            "--web.listen-address=127.0.0.1:9093",
        ],
    );
    until("the sensor is scraped", || results(&wire, "rivellino_packets_total") > 0);
    until("the hub is scraped", || results(&wire, "rivellino_hub_connections") > 0);
    let mut queries = Vec::new();
    for (path, board) in boards() {
        for (title, expr) in targets(&board) {
            queries.push((format!("{}: {title}", path.display()), substituted(&expr)));
        }
    }
    if !cfg!(feature = "nats") {
        println!("skipped: panels of the relay (built without the feature nats)");
        queries.retain(|(_, query)| !query.contains("rivellino_hub_relay_"));
    }
    let count = queries.len();
    // Attacks and a plant, over and over: counters have to move to have a rate.
    let begun = Instant::now();
    loop {
        for capture in ["demo", "modbus", "scan-horizontal", "web-attacks"] {
            let capture = root().join(format!("pcaps/{capture}.pcap"));
            wire.send(&capture, &["--pps", "2000"], 1);
        }
        queries.retain(|(_, query)| results(&wire, query) == 0);
        if queries.is_empty() || begun.elapsed() > PATIENCE {
            break;
        }
    }
    assert!(queries.is_empty(), "panels without data: {queries:#?}\n{}", log(folder, "sensor"));
    println!("dashboards: {count} queries have data after {:.1?}", begun.elapsed());
    if is_relayed() {
        let published = "rivellino_hub_relay_total{outcome=\"published\"} > 0";
        until("the hub publishes", || results(&wire, published) > 0);
        assert_eq!(results(&wire, "rivellino_hub_relay_connected == 1"), 1);
    }
    let (of_sensor, mut names) = page(&wire, 9477);
    let (of_hub, more) = page(&wire, 9478);
    println!("dashboards: {of_sensor} series of a sensor, {of_hub} of a hub");
    assert!(of_sensor <= SERIES_MAX && of_hub <= SERIES_MAX);
    names.extend(more);
    for rules in ["recording.rules.yml", "alerts.rules.yml"] {
        let text =
            std::fs::read_to_string(root().join("dashboards/prometheus").join(rules)).unwrap();
        let exprs = text.lines().filter(|line| {
            !line.contains("record:") && !line.contains("job_instance:") && !line.contains("cosc:")
        });
        for metric in exprs.flat_map(metrics) {
            assert!(names.contains(&metric), "{rules}: nobody has {metric}");
        }
    }
    // The sensor stops: somebody is told.
    sensor.end();
    let begun = Instant::now();
    let arrived = || {
        let alerts = get(&wire, "http://127.0.0.1:9093/api/v2/alerts", None);
        let alerts: Value = serde_json::from_str(&alerts).unwrap_or_default();
        let alerts = alerts.as_array().cloned().unwrap_or_default();
        alerts.into_iter().find(|alert| alert["labels"]["alertname"] == "RivellinoSensorDown")
    };
    let alert = loop {
        if let Some(alert) = arrived() {
            break alert;
        }
        assert!(begun.elapsed() < ALERT, "no alert: {}", log(folder, "prometheus"));
        std::thread::sleep(Duration::from_millis(500));
    };
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["receivers"][0]["name"], "duty", "{alert}");
    println!("dashboards: the alert arrived after {:.1?}", begun.elapsed());
}

fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
}
