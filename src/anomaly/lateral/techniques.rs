//! The techniques that `lateral` knows: how each is seen, what it is called, what it means.

use crate::anomaly::Said;
use crate::record::Level;

/// A technique.
pub(super) struct Technique {
    /// Signature number, fixed.
    pub(super) sid: u32,
    /// ATT&CK.
    pub(super) attack: &'static str,
    /// How grave it is between hosts where it is new.
    pub(super) level: Level,
    /// Confidence that it is what it looks like and not administration.
    pub(super) confidence: f64,
    /// The title's beginning.
    pub(super) title: &'static str,
    /// What was done, after "HOST": Italian, English.
    pub(super) done: [&'static str; 2],
    /// What it is for.
    pub(super) meaning: [&'static str; 2],
}

impl Technique {
    pub(super) fn meaning(&self) -> Said {
        let [it, en] = self.meaning;
        Said::new(it, en)
    }
}

macro_rules! technique {
    ($name:ident $sid:literal $attack:literal $level:ident $confidence:literal $title:literal
     $it:literal $en:literal $why_it:literal $why_en:literal) => {
        pub(super) static $name: Technique = Technique {
            sid: $sid,
            attack: $attack,
            level: Level::$level,
            confidence: $confidence,
            title: $title,
            done: [$it, $en],
            meaning: [$why_it, $why_en],
        };
    };
}

impl Technique {
    /// Whether it is done to domain controllers alone.
    pub(super) fn of_controllers(&self) -> bool {
        [DCSYNC.sid, DIRECTORY.sid, ROAST.sid].contains(&self.sid)
    }
}

technique!(DCSYNC 1 "T1003.006" High 0.9 "Directory replication asked for by a host that is no domain controller"
    "ha chiesto la replica del dominio (DsGetNCChanges) a" "asked for replication of the domain (DsGetNCChanges) from"
    "Solo i controller di dominio lo fanno tra loro; così si rubano le password di tutti gli utenti (DCSync)."
    "Only domain controllers do so among themselves; this is how the passwords of all users are stolen (DCSync).");
technique!(SERVICE_MADE 2 "T1543.003" High 0.85 "Remote service created or changed"
    "ha creato o modificato un servizio di Windows su" "created or changed a Windows service on"
    "È il modo più comune di eseguire un programma su un'altra macchina (PsExec e simili); lo fanno anche alcuni strumenti di amministrazione."
    "It is the most common way to run a program on another machine (PsExec and the like); some administration tools do so too.");
technique!(SERVICE_MANAGER 3 "T1021.002" Medium 0.6 "Remote service manager opened"
    "ha aperto il gestore dei servizi di Windows di" "opened the Windows service manager of"
    "Così si verifica di essere amministratore di una macchina, o se ne avviano e fermano i servizi."
    "This is how one finds out whether one is administrator of a machine, or starts and stops its services.");
technique!(TASK 4 "T1053.005" High 0.85 "Remote scheduled task"
    "ha registrato un'attività pianificata su" "registered a scheduled task on"
    "Un'attività pianificata da un'altra macchina esegue un programma quando si vuole, e resta."
    "A task that another machine schedules runs a program at will, and stays.");
technique!(TASKS_READ 5 "T1053.005" Medium 0.6 "Remote task scheduler used"
    "ha usato l'utilità di pianificazione di" "used the task scheduler of"
    "Di norma le attività pianificate si gestiscono sulla macchina stessa."
    "Normally scheduled tasks are managed on the machine itself.");
technique!(WMI_RUN 6 "T1047" High 0.85 "Remote execution by WMI"
    "ha eseguito un metodo o registrato oggetti WMI su" "ran a method or registered objects by WMI on"
    "Con WMI si avviano programmi su un'altra macchina o vi si lascia qualcosa che li avvierà."
    "By WMI programs are started on another machine, or something is left there that will start them.");
technique!(WMI_READ 7 "T1047" Medium 0.6 "Remote WMI session"
    "ha interrogato WMI su" "queried WMI on"
    "Lo fanno gli strumenti di inventario; da un normale posto di lavoro è insolito."
    "Inventory tools do so; from an ordinary workstation it is unusual.");
technique!(DCOM 8 "T1021.003" High 0.8 "Remote object called by DCOM"
    "ha comandato un'applicazione (DCOM) su" "commanded an application (DCOM) on"
    "Oggetti come Excel, Explorer o MMC, comandati da lontano, eseguono programmi."
    "Objects such as Excel, Explorer or MMC, commanded from afar, run programs.");
technique!(WINRM 9 "T1021.006" Medium 0.65 "Remote PowerShell session"
    "ha aperto una sessione PowerShell remota (WinRM) su" "opened a remote PowerShell session (WinRM) on"
    "È uno strumento di amministrazione, e uno dei più usati da chi si sposta nella rete."
    "It is a tool of administration, and among those most used to move through a network.");
technique!(PROGRAM_COPIED 10 "T1570" High 0.8 "Program copied to an administrative share"
    "ha copiato un programma in una condivisione amministrativa di" "copied a program to an administrative share of"
    "Così si porta uno strumento d'attacco su un'altra macchina prima di eseguirlo."
    "This is how a tool of attack gets to another machine before it is run.");
technique!(ADMIN_WRITE 11 "T1021.002" Medium 0.7 "File written to an administrative share"
    "ha scritto file in una condivisione amministrativa (C$, ADMIN$) di" "wrote files to an administrative share (C$, ADMIN$) of"
    "Le condivisioni amministrative danno tutto il disco a chi ne è amministratore: di norma non si usano."
    "Administrative shares give the whole disk to its administrator: normally they are not used.");
technique!(ADMIN_SHARE 12 "T1021.002" Low 0.6 "Administrative share opened"
    "ha aperto una condivisione amministrativa (C$, ADMIN$) di" "opened an administrative share (C$, ADMIN$) of"
    "Lo fa un tecnico che lavora da lontano, o chi cerca dove può entrare."
    "A technician who works from afar does so, or someone who looks for where to get in.");
technique!(ACCOUNTS 13 "T1087.002" Medium 0.65 "Accounts or groups of the domain listed"
    "ha elencato utenti o membri di gruppi (SAMR) su" "listed users or members of groups (SAMR) on"
    "Chi è entrato cerca così gli account degli amministratori."
    "This is how someone who got in looks for the accounts of administrators.");
technique!(SESSIONS 14 "T1033" Medium 0.65 "Who is logged on where was asked"
    "ha chiesto chi è collegato a" "asked who is logged on to"
    "Così si cerca su quale macchina lavora un amministratore, per rubarne l'accesso."
    "This is how one looks for the machine at which an administrator works, to steal the logon.");
technique!(DIRECTORY 15 "T1087.002" Medium 0.55 "Directory read in bulk by LDAP"
    "ha letto molti dati della directory (LDAP) da" "read much of the directory (LDAP) from"
    "Strumenti come PowerView e BloodHound leggono così tutto il dominio; lo fanno anche le console di amministrazione."
    "Tools such as PowerView and BloodHound read the whole domain so; consoles of administration do too.");
technique!(RC4_LOGON 16 "T1550.002" Medium 0.6 "Logon to Kerberos with RC4 in a domain that has AES"
    "ha chiesto un ticket con la cifratura RC4, debole e superata, a" "asked for a ticket with RC4, weak and given up, from"
    "Windows usa AES; chi ha rubato l'hash di una password (overpass-the-hash) può usare solo RC4."
    "Windows uses AES; who stole the hash of a password (overpass-the-hash) can only use RC4.");
technique!(ROAST 17 "T1558.003" Medium 0.65 "Many service tickets asked for in a short time"
    "ha chiesto in poco tempo i ticket di molti servizi diversi a" "asked in a short time for the tickets of many services from"
    "Con i ticket si possono indovinare altrove le password dei servizi (Kerberoasting), o si sta provando ogni macchina."
    "With the tickets the passwords of services can be guessed elsewhere (Kerberoasting), or every machine is being tried.");
technique!(REGISTRY 18 "T1112" Medium 0.65 "Remote registry used"
    "ha usato il registro di configurazione di" "used the registry of"
    "Dal registro si leggono password salvate, o vi si lascia qualcosa che parte da solo."
    "Saved passwords are read from the registry, or something that starts by itself is left there.");
technique!(SECRETS 19 "T1003.004" High 0.8 "Secrets of the domain read"
    "ha chiesto segreti conservati (LSA) a" "asked for kept secrets (LSA) from"
    "Così si ruba la chiave che apre le password salvate da tutti gli utenti."
    "This is how the key is stolen that opens what all users have saved.");
technique!(COERCION 20 "T1187" High 0.8 "Forced authentication"
    "ha chiesto un'operazione (EFSRPC, DFSNM, FSRVP) che costringe ad autenticarsi a" "asked for an operation (EFSRPC, DFSNM, FSRVP) that forces authentication from"
    "Il server si presenta con le proprie credenziali a chi l'attacco vuole (PetitPotam e simili)."
    "The server presents its own credentials to whom the attack wants (PetitPotam and the like).");
technique!(LOG_CLEARED 21 "T1070.001" High 0.85 "Event log cleared from afar"
    "ha cancellato il registro eventi di" "cleared the event log of"
    "Si cancellano le tracce." "Traces are being removed.");
technique!(ACCOUNT_CHANGED 22 "T1098" Medium 0.65 "Account or group changed from afar"
    "ha creato o cambiato account o gruppi su" "created or changed accounts or groups on"
    "Normale dalla macchina di chi amministra; da ogni altra è un modo di restare."
    "Normal from the machine of an administrator; from any other it is a way to stay.");
technique!(PEERS 23 "T1021" Medium 0.6 "Many internal machines reached for administration"
    "ha raggiunto molte macchine interne mai contattate prima (SSH, RPC, SMB, RDP, WinRM), tra cui" "reached many internal machines that it never had before (SSH, RPC, SMB, RDP, WinRM), among them"
    "Un posto di lavoro parla con pochi server; chi si sposta nella rete, o un malware, con molte macchine."
    "A workstation talks to few servers; someone who moves through the network, or malware, to many machines.");
technique!(SHARES 24 "T1135" Medium 0.6 "Shares of many machines listed"
    "ha elencato le condivisioni di molte macchine, tra cui" "listed the shares of many machines, among them"
    "Così si cercano dati da rubare o da cifrare." "This is how data to steal or encrypt is looked for.");

technique!(PRINT_DRIVER 25 "T1547.012" Medium 0.65 "Printer driver installed from afar"
    "ha installato un driver di stampa su" "installed a printer driver on"
    "Lo fa chi amministra un server di stampa; su ogni altra macchina è un modo di eseguire un programma (PrintNightmare)."
    "The administrator of a print server does so; on any other machine it is a way to run a program (PrintNightmare).");
technique!(ENDPOINTS 26 "T1046" Low 0.5 "Services of a machine listed"
    "ha elencato i servizi RPC di" "listed the RPC services of"
    "Chi cerca un punto debole guarda così che cosa offre una macchina; lo fanno anche gli inventari."
    "This is how one looks at what a machine offers, for a weak spot; inventories do so too.");

/// Operations of interfaces that show a technique: UUID, operations, technique.
pub(super) static OPERATIONS: &[(u128, &[u16], &Technique)] = &[
    // MS-DRSR: GetNCChanges; ReplicaAdd, AddEntry (a false domain controller).
    (0xe3514235_4b06_11d1_ab04_00c04fc2dcd2, &[3, 5, 17], &DCSYNC),
    // MS-SCMR: CreateService (A, W, WOW64), ChangeServiceConfig (W, A).
    (SVCCTL, &[11, 12, 23, 24, 44, 45, 60], &SERVICE_MADE),
    // OpenSCManager (W, A, 2), Start, Control, Delete, EnumServicesStatus.
    (SVCCTL, &[1, 2, 14, 15, 19, 26, 27, 31, 42, 64], &SERVICE_MANAGER),
    // MS-TSCH: NetrJobAdd; SchRpcRegisterTask, SchRpcRun.
    (0x1ff70682_0a51_30e8_076d_740be8cee98b, &[0], &TASK),
    (TASKS, &[1, 12], &TASK),
    (TASKS, &[2, 3, 4, 5, 6, 7, 11, 13, 14], &TASKS_READ),
    // MS-WMI, IWbemServices: PutClass, PutInstance, ExecMethod (and asynchronous).
    (WMI, &[8, 9, 14, 15, 24, 25], &WMI_RUN),
    (WMI, &[6, 7, 12, 16, 17, 18, 20, 21, 22, 23], &WMI_READ),
    // IWbemLevel1Login: NTLMLogin.
    (0xf309ad18_d86a_11d0_a075_00c04fb68820, &[6], &WMI_READ),
    // IDispatch: Invoke.
    (0x00020400_0000_0000_c000_000000000046, &[6], &DCOM),
    // MS-SAMR: enumeration of groups, users, aliases; members; display information.
    (SAMR, &[11, 13, 15, 25, 33, 40, 48, 51], &ACCOUNTS),
    // CreateUser (2), AddMemberToGroup, AddMemberToAlias, CreateGroup, CreateAlias, SetInformationUser (2).
    (SAMR, &[10, 12, 14, 22, 31, 37, 50, 58], &ACCOUNT_CHANGED),
    // MS-SRVS: NetrSessionEnum, NetrConnectionEnum, NetrFileEnum. MS-WKST: NetrWkstaUserEnum.
    (SRVSVC, &[8, 9, 12], &SESSIONS),
    (0x6bffd098_a112_3610_9833_46c3f87e345a, &[2], &SESSIONS),
    (SRVSVC, &[15, 36], &SHARES),
    // MS-RRP: CreateKey, SetValue, SaveKey, OpenLocalMachine, OpenUsers, SaveKeyEx.
    (0x338cd001_2244_31f1_aaaa_900038001003, &[2, 4, 6, 20, 22, 31], &REGISTRY),
    // MS-LSAD: OpenSecret, QuerySecret, RetrievePrivateData.
    (0x12345778_1234_abcd_ef00_0123456789ab, &[28, 30, 43], &SECRETS),
    // MS-EFSR over both its interfaces, MS-DFSNM, MS-FSRVP.
    (0xc681d488_d850_11d0_8c52_00c04fd90f7e, &[0, 4, 5, 6, 7, 12, 13, 15], &COERCION),
    (0xdf1941c5_fe89_4e79_bf10_463657acf44d, &[0, 4, 5, 6, 7, 12, 13, 15], &COERCION),
    (0x4fc742e0_4a10_11cf_8273_00aa004ae673, &[12, 13], &COERCION),
    (0xa8e0653c_2744_4389_a61d_7373df8b2292, &[8, 9], &COERCION),
    // MS-EVEN: ClearEventLog. MS-EVEN6: EvtRpcClearLog.
    (0x82273fdc_e32a_18c3_3f78_827929dc23ea, &[0, 12], &LOG_CLEARED),
    (0xf6beaff7_1e19_4fbb_9f8f_b89e2018337c, &[6], &LOG_CLEARED),
    // MS-RPRN: AddPrinterDriver (Ex). MS-PAR: AsyncAddPrinterDriver.
    (0x12345678_1234_abcd_ef00_0123456789ab, &[9, 89], &PRINT_DRIVER),
    (0x76f03f96_cdfd_44fc_a22c_64950a001209, &[39], &PRINT_DRIVER),
    // The endpoint mapper (C706, appendix O): ept_lookup.
    (0xe1af8308_5d1f_11c9_91a4_08002b14a0fa, &[2], &ENDPOINTS),
];

const SVCCTL: u128 = 0x367abb81_9844_35f1_ad32_98f038001003;
const TASKS: u128 = 0x86d35949_83c9_4044_b424_db363231fd0c;
const WMI: u128 = 0x9556dc99_828c_11cf_a37e_00aa003240c7;
const SAMR: u128 = 0x12345778_1234_abcd_ef00_0123456789ac;
const SRVSVC: u128 = 0x4b324fc8_1670_01d3_1278_5a47bf6ee188;
