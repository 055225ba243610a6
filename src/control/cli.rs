//! The command line. Help, man page and completions come from these declarations.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use super::config::{Checksums, Config, Sensitivity};
use crate::outputs::hub::FORMATS;

/// Network sensor: finds attacks by signature and by behaviour, live or in capture files.
#[derive(Debug, Parser)]
#[command(name = "rivellino", version, max_term_width = 100)]
pub struct Cli {
    /// Say more on standard error; twice for debugging.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Analyse capture files: the same result each time, for any number of workers.
    Replay(Replay),
    /// Watch an interface, until stopped.
    Watch(Watch),
    /// Work on rule files.
    #[command(subcommand)]
    Rules(Rules),
    /// What detectors of behaviour have learned: teach, show, forget.
    #[command(subcommand)]
    Baseline(Baseline),
    /// Tell how a detector of behaviour works and what it goes by; without a name, list them.
    Explain(Explain),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Exchange with the sharing hub, as far as sharing-policy.toml allows.
    #[command(subcommand)]
    Hub(HubCommand),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page.
    #[command(hide = true)]
    Man,
}

/// Exchange with the sharing hub.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Show exactly what would leave, one envelope a line. Nothing is sent or written.
    Preview {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
        /// In which format: a hub gets stix; the others are for systems that are there already.
        #[arg(long, value_name = "FORMAT", default_value = "stix", value_parser = formats())]
        format: String,
        /// Indent the envelopes.
        #[arg(long)]
        pretty: bool,
        /// Files of events, as replay and watch write them.
        #[arg(required = true, value_name = "EVE")]
        eve: Vec<PathBuf>,
    },
    /// Ask the centre for the sensor's certificate, and install it when it comes.
    Enroll(EnrollOptions),
    /// Take the events of these files, then send all that waits.
    Send {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
        /// Seconds to go on trying when the hub is away.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        patience: u64,
        /// Files of events, as replay and watch write them.
        #[arg(value_name = "EVE")]
        eve: Vec<PathBuf>,
    },
    /// Send the events of these files to the collectors of syslog that the policy names, once.
    Forward {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
        /// Files of events, as replay and watch write them.
        #[arg(required = true, value_name = "EVE")]
        eve: Vec<PathBuf>,
    },
    /// Say what waits, what was given up, and whether the log of what left is whole.
    Status {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
    },
    /// Read what is new in the collections of indicators.
    Pull {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
    },
    /// Rules that the centre signs: put into force, taken back.
    #[command(subcommand)]
    Rules(RulesOfHub),
    /// Make and check bundles of signed rules, for the centre.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Be a hub for others, until stopped: TAXII 2.1 with certificates on both sides.
    Serve {
        /// What it is told: where it listens, whom it knows, how much it takes.
        #[arg(long, value_name = "FILE", default_value = "hub.toml")]
        config: PathBuf,
    },
}

/// Rules of the centre, at the site.
#[derive(Debug, Subcommand)]
pub enum RulesOfHub {
    /// Put a bundle into force if it is signed, newer, loads, and does well on a known capture.
    Install {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
        /// The bundle; without it, it is read from where the policy says (rules.source).
        #[arg(value_name = "BUNDLE")]
        bundle: Option<PathBuf>,
    },
    /// Go back to the rules that were in force before.
    Rollback {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
    },
    /// Say which version is in force.
    Show {
        /// The site.
        #[command(flatten)]
        site: SiteOptions,
    },
}

/// Bundles of signed rules, at the centre.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Sign rule files as one bundle, once they load and do well on a known capture.
    Make {
        /// Private key of Ed25519, PEM: openssl genpkey -algorithm ed25519.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Its number; sites take only one that is higher than what they had.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        version: u64,
        /// The oldest rivellino that understands the rules.
        #[arg(long, value_name = "VERSION", default_value = env!("CARGO_PKG_VERSION"))]
        requires: String,
        /// The file to write.
        #[arg(short, long, value_name = "FILE", default_value = "rules.bundle")]
        output: PathBuf,
        /// Rule files or folders of rule files.
        #[arg(required = true, value_name = "RULES")]
        rules: Vec<PathBuf>,
    },
    /// Say whether sites that trust these keys would take a bundle.
    Check {
        /// Public key, 64 hexadecimal digits; may be repeated.
        #[arg(long, required = true, value_name = "KEY")]
        public: Vec<String>,
        /// The bundle.
        #[arg(value_name = "BUNDLE")]
        bundle: PathBuf,
    },
}

/// The sensor's certificate. Without options: makes a key, which stays here, and a request for the
/// centre. Again when it has to be renewed.
#[derive(Debug, Args)]
pub struct EnrollOptions {
    /// The site.
    #[command(flatten)]
    pub site: SiteOptions,
    /// Where the request is written; beside the certificate if not given.
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    pub request: Option<PathBuf>,
    /// The certificate that the centre signed, and those between it and the root, PEM: it is looked
    /// at, and put where the policy says.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Roots of the hub's certificate, PEM: put where the policy says, too.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// The site as the exchange knows it.
#[derive(Debug, Args)]
pub struct SiteOptions {
    /// What the site allows to leave; without this file nothing leaves.
    #[arg(long, value_name = "FILE", default_value = "sharing-policy.toml")]
    pub policy: PathBuf,
    /// Folder for what waits, the key of pseudonyms and the log of what left.
    #[arg(long, value_name = "DIR", default_value = "hub")]
    pub folder: PathBuf,
    /// Networks of the site, its public addresses too: they never leave.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub home_net: Vec<String>,
    /// Configuration file; rivellino.toml in the current folder is read if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Analyse capture files.
#[derive(Debug, Args)]
pub struct Replay {
    /// Options that are also keys of the configuration.
    #[command(flatten)]
    pub options: Options,
    /// Analyse each capture for itself, with results in a folder of its name under DIR.
    #[arg(long)]
    pub each: bool,
    /// Show no progress bar.
    #[arg(long)]
    pub no_progress: bool,
    /// Capture files (pcap, pcapng, also gzip or zstd), merged by time; - is standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,
}

/// Watch an interface.
#[derive(Debug, Args)]
pub struct Watch {
    /// Options that are also keys of the configuration.
    #[command(flatten)]
    pub options: Options,
    /// Interface to watch.
    #[arg(short, long, value_name = "IFACE")]
    pub interface: Option<String>,
    /// Address of the metrics and health pages, such as 127.0.0.1:9477.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Sharing policy by which to exchange with the hub; without it no connection is opened.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Folder for what waits to be sent, indicators, the key of pseudonyms and the log of what left.
    #[arg(long, value_name = "DIR")]
    pub policy_folder: Option<PathBuf>,
    /// Capture buffer of each worker, MiB.
    #[arg(long, value_name = "MIB")]
    pub buffer: Option<u32>,
    /// Bytes captured of a frame at most.
    #[arg(long, value_name = "BYTES")]
    pub snaplen: Option<u32>,
    /// Begin a new eve.json when it holds so many MiB.
    #[arg(long, value_name = "MIB")]
    pub rotate_size: Option<u64>,
    /// Begin a new eve.json after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub rotate_seconds: Option<u64>,
}

/// Options of replay and watch.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// Rule file or folder of rule files; may be repeated. Without it the bundled signatures.
    #[arg(short = 'S', long = "rules", value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Folder for eve.json and summary.json; made if it is not there.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Worker threads; as many as processors if not given.
    #[arg(short = 'n', long, value_name = "WORKERS")]
    pub workers: Option<usize>,
    /// Whether packets with wrong checksums are passed over.
    #[arg(long, value_enum)]
    pub checksums: Option<Checksums>,
    /// Networks to protect, or any: the variable HOME_NET.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub home_net: Vec<String>,
    /// Variable of the rules; may be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// Thresholds, suppressions and rates beside the rules' own.
    #[arg(long, value_name = "FILE")]
    pub threshold_file: Option<PathBuf>,
    /// Classifications in place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub classification_file: Option<PathBuf>,
    /// Reference systems and their URLs.
    #[arg(long, value_name = "FILE")]
    pub reference_file: Option<PathBuf>,
    /// Categories of reputations, for `iprep`.
    #[arg(long, value_name = "FILE")]
    pub reputation_categories_file: Option<PathBuf>,
    /// Folder of reputation files that are given without one.
    #[arg(long, value_name = "DIR")]
    pub default_reputation_path: Option<PathBuf>,
    /// Reputations of addresses, for `iprep`; may be repeated.
    #[arg(long = "reputation-file", value_name = "FILE")]
    pub reputation_files: Vec<PathBuf>,
    /// Countries of addresses, for `geoip`: a database of MaxMind's format.
    #[arg(long, value_name = "FILE")]
    pub geoip_database: Option<PathBuf>,
    /// Folder in which sets of values are kept that rules fill (`dataset` with `state` or `save`);
    /// made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// No signatures.
    #[arg(long, conflicts_with = "rules")]
    pub no_signatures: bool,
    /// No analysis of behaviour.
    #[arg(long)]
    pub no_anomaly: bool,
    /// Messages of ARP are in eve.json, too: there are many.
    #[arg(long)]
    pub arp: bool,
    /// All TCP connections are followed whose beginning was not seen, not those of plants alone.
    #[arg(long)]
    pub midstream: bool,
    /// TCP connections are followed of which one side alone is seen.
    #[arg(long)]
    pub async_oneside: bool,
    /// How soon detectors of behaviour speak; normal if not given.
    #[arg(long, value_enum)]
    pub sensitivity: Option<Sensitivity>,
    /// Folder in which detectors keep what they have learned; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// File of indicators to look for: STIX 2.1, a bundle, a list, or one object a line.
    #[arg(long, value_name = "FILE")]
    pub indicators: Option<PathBuf>,
    /// Only packets that pass this filter, in the language of tcpdump.
    #[arg(long, value_name = "EXPR")]
    pub bpf: Option<String>,
    /// Memory for flows, MiB.
    #[arg(long, value_name = "MIB")]
    pub flow_memory: Option<u64>,
    /// Memory for the reassembly of streams, MiB.
    #[arg(long, value_name = "MIB")]
    pub stream_memory: Option<u64>,
    /// Folder for files and certificates that rules want stored; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub file_store: Option<PathBuf>,
    /// Bytes kept of a file that may be stored, MiB.
    #[arg(long, value_name = "MIB")]
    pub file_store_file: Option<u32>,
    /// Files in that folder at most, certificates among them.
    #[arg(long, value_name = "COUNT")]
    pub file_store_files: Option<u64>,
    /// Bytes of all files in that folder at most, MiB.
    #[arg(long, value_name = "MIB")]
    pub file_store_size: Option<u64>,
    /// Configuration file; rivellino.toml in the current folder is read if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print nothing but errors.
    #[arg(short, long)]
    pub quiet: bool,
}

/// Work on rule files.
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Load rules and say what is wrong with which.
    Check {
        /// Rule files or folders, as with -S.
        #[arg(value_name = "FILE")]
        named: Vec<PathBuf>,
        /// Where to look.
        #[command(flatten)]
        files: RuleFiles,
    },
    /// List the rules: number, revision, severity, protocol, message, place.
    List {
        /// One JSON object a line, with fast pattern and metadata.
        #[arg(long)]
        json: bool,
        /// Rule files or folders, as with -S.
        #[arg(value_name = "FILE")]
        named: Vec<PathBuf>,
        /// Where to look.
        #[command(flatten)]
        files: RuleFiles,
    },
    /// Say in words what a rule does.
    Explain {
        /// Its number, as `rules list` has it or without the generator's.
        #[arg(value_parser = number)]
        sid: u32,
        /// Where to look.
        #[command(flatten)]
        files: RuleFiles,
    },
    /// List the keywords, or tell about one.
    Keywords {
        /// The one to tell about.
        name: Option<String>,
    },
    /// Replay captures and print what each rule costs, the costliest first.
    Profile {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// Networks to protect, or any: the variable HOME_NET.
        #[arg(long, value_name = "CIDR", value_delimiter = ',')]
        home_net: Vec<String>,
        /// The rules.
        #[command(flatten)]
        files: RuleFiles,
        /// Capture files, merged by time; - is standard input.
        #[arg(required = true, value_name = "CAPTURE")]
        captures: Vec<PathBuf>,
    },
    /// Print rules for all malformations that are recognised, to choose from.
    Events,
}

/// Rule files to work on.
#[derive(Debug, Args)]
pub struct RuleFiles {
    /// Rule file or folder; may be repeated. Without it the bundled signatures.
    #[arg(short = 'S', long = "rules", value_name = "RULES")]
    pub rules: Vec<PathBuf>,
    /// Variable of the rules; may be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What detectors have learned.
#[derive(Debug, Subcommand)]
pub enum Baseline {
    /// Learn from captures of usual traffic, beside what is known already.
    Learn {
        /// Where it is kept.
        #[command(flatten)]
        state: StateFolder,
        /// Networks to protect, or any: the variable HOME_NET.
        #[arg(long, value_name = "CIDR", value_delimiter = ',')]
        home_net: Vec<String>,
        /// Worker threads; as many as processors if not given.
        #[arg(short = 'n', long, value_name = "WORKERS")]
        workers: Option<usize>,
        /// Capture files, merged by time.
        #[arg(required = true, value_name = "CAPTURE")]
        captures: Vec<PathBuf>,
    },
    /// Show what is known: up to when, and how much by detector.
    Show {
        /// Where it is kept.
        #[command(flatten)]
        state: StateFolder,
    },
    /// Forget what the named detectors have learned, or all.
    Forget {
        /// Where it is kept.
        #[command(flatten)]
        state: StateFolder,
        /// Everything, also a state that is damaged.
        #[arg(long, conflicts_with = "detectors")]
        all: bool,
        /// Names of detectors; known is what all share.
        #[arg(value_name = "DETECTOR")]
        detectors: Vec<String>,
    },
}

/// Where what was learned is kept.
#[derive(Debug, Default, Args)]
pub struct StateFolder {
    /// Folder in which detectors keep what they have learned.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Configuration file; rivellino.toml in the current folder is read if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl StateFolder {
    /// As keys of the configuration.
    pub fn over(&self) -> Config {
        Config { state: self.state.clone(), ..Config::default() }
    }
}

/// Tell about a detector.
#[derive(Debug, Args)]
pub struct Explain {
    /// Its name, as in `finding.detector`.
    pub detector: Option<String>,
    /// As if detectors were set so.
    #[arg(long, value_enum)]
    pub sensitivity: Option<Sensitivity>,
    /// Configuration file; rivellino.toml in the current folder is read if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Look at the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key with its meaning and the value in force.
    Show(ConfigFile),
    /// Say what is wrong with the file.
    Check(ConfigFile),
    /// Print the JSON schema of the records in eve.json.
    Schema,
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration file; rivellino.toml in the current folder if not given.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Options {
    /// As keys of the configuration; what was not given stays open.
    pub fn to_config(&self) -> Config {
        let given = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
        Config {
            rules: (!self.rules.is_empty()).then(|| self.rules.clone()),
            output: self.output.clone(),
            workers: self.workers,
            checksums: self.checksums,
            home_net: given(&self.home_net),
            threshold_file: self.threshold_file.clone(),
            classification_file: self.classification_file.clone(),
            reference_file: self.reference_file.clone(),
            reputation_categories_file: self.reputation_categories_file.clone(),
            default_reputation_path: self.default_reputation_path.clone(),
            reputation_files: (!self.reputation_files.is_empty())
                .then(|| self.reputation_files.clone()),
            geoip_database: self.geoip_database.clone(),
            data_dir: self.data_dir.clone(),
            vars: (!self.vars.is_empty()).then(|| self.vars.iter().cloned().collect()),
            signatures: self.no_signatures.then_some(false),
            arp: self.arp.then_some(true),
            midstream: self.midstream.then_some(true),
            async_oneside: self.async_oneside.then_some(true),
            anomaly: self.no_anomaly.then_some(false),
            sensitivity: self.sensitivity,
            state: self.state.clone(),
            indicators: self.indicators.clone(),
            bpf: self.bpf.clone(),
            flow_memory: self.flow_memory,
            stream_memory: self.stream_memory,
            file_store: self.file_store.clone(),
            file_store_file: self.file_store_file,
            file_store_files: self.file_store_files,
            file_store_size: self.file_store_size,
            quiet: self.quiet.then_some(true),
            ..Config::default()
        }
    }
}

impl Replay {
    /// As keys of the configuration; what was not given stays open.
    pub fn to_config(&self) -> Config {
        Config {
            each: self.each.then_some(true),
            progress: self.no_progress.then_some(false),
            ..self.options.to_config()
        }
    }
}

impl Watch {
    /// As keys of the configuration; what was not given stays open.
    pub fn to_config(&self) -> Config {
        Config {
            interface: self.interface.clone(),
            listen: self.listen,
            policy: self.policy.clone(),
            policy_folder: self.policy_folder.clone(),
            buffer: self.buffer,
            snaplen: self.snaplen,
            rotate_size: self.rotate_size,
            rotate_seconds: self.rotate_seconds,
            ..self.options.to_config()
        }
    }
}

/// Writes the completions of a shell.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) {
    clap_complete::generate(shell, &mut Cli::command(), "rivellino", &mut Whole(out));
}

/// Writes the man page.
///
/// # Errors
/// When `out` cannot be written.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    clap_mangen::Man::new(Cli::command()).render(out)
}

/// Swallows errors of writing: the generator of completions would panic on a closed pipe.
struct Whole<'a>(&'a mut dyn Write);

impl Write for Whole<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// The formats of the exchange, by name.
fn formats() -> clap::builder::PossibleValuesParser {
    FORMATS
        .iter()
        .map(|kind| clap::builder::PossibleValue::new(kind.name).help(kind.help))
        .collect::<Vec<_>>()
        .into()
}

/// The number of a rule, with or without that of its generator before it.
fn number(text: &str) -> Result<u32, String> {
    let (generator, sid) = text.split_once(':').unwrap_or(("1", text));
    let sid = sid.parse().ok().filter(|_| generator.parse::<u32>().is_ok());
    sid.ok_or_else(|| "write the number of a rule, as 2027865 or 1:2027865".to_owned())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.is_empty() || value.is_empty() {
        return Err("name and value must not be empty".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn declarations_hold() {
        Cli::command().debug_assert();
        let mut page = Vec::new();
        man(&mut page).unwrap();
        assert!(String::from_utf8(page).unwrap().contains("rivellino"));
        let mut script = Vec::new();
        completions(clap_complete::Shell::Bash, &mut script);
        assert!(String::from_utf8(script).unwrap().contains("--home-net"));
    }

    #[test]
    fn reads_what_is_given() {
        let line = "rivellino replay -S a -S b -n 2 --home-net 10.0.0.0/8,any --var X=1 --each \
                    --checksums verify --no-anomaly x.pcap -";
        let Command::Replay(replay) = Cli::parse_from(line.split_whitespace()).command else {
            unreachable!()
        };
        let config = replay.to_config();
        assert_eq!(config.rules.unwrap().len(), 2);
        assert_eq!(config.home_net.unwrap(), ["10.0.0.0/8", "any"]);
        assert_eq!(config.checksums, Some(Checksums::Verify));
        assert_eq!(
            (config.anomaly, config.signatures, config.each),
            (Some(false), None, Some(true))
        );
        assert_eq!(replay.captures.len(), 2);
        assert!(Cli::try_parse_from(["rivellino", "replay"]).is_err());
        assert!(Cli::try_parse_from(["rivellino", "replay", "--var", "X", "a"]).is_err());
    }
}
