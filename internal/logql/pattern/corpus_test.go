package pattern

import (
	"fmt"
	"math/rand"
	"strings"
)

// A style imitates the difficulties of a kind of log in words of our own. Each
// template is a text with {variables}; [[…]] is there half of the time. The first
// templates are frequent, the last one occurs once.
type style struct {
	name      string
	templates []string
}

// heldOut are scored and not tuned on: nothing was changed because of their
// score, but who wrote them knew the rules. (The first such set, seenOnce, scored 0.815 at first sight: 0.672,
// 0.904 and 0.870; it was then looked at.)
var heldOut = []style{
	{"boot of a machine (held out)", []string{
		"Linux release {ver} ({email}) (gcc {float})",
		"ACPI: Interpreter enabled",
		"ACPI: Using PIC for interrupt routing",
		"ACPI: bus type pci registered",
		"PCI: Probing PCI hardware",
		"PCI: Using configuration type {small}",
		"PCI: Found IRQ {small} for device {hex}",
		"usbcore: registered new driver usbfs",
		"usbcore: registered new driver hub",
		"usbcore: registered new driver hiddev",
		"hub 1-0:1.0: USB hub found",
		"hub 1-0:1.0: {small} ports detected",
		"NET: Registered protocol family {small}",
		"IP: routing cache hash table of {int} buckets, {int}Kbytes",
		"TCP: Hash tables configured (established {int} bind {int})",
		"Dentry cache hash table entries: {int} (order: {small}, {int} bytes)",
		"Inode-cache hash table entries: {int} (order: {small}, {int} bytes)",
		"Mount-cache hash table entries: {int} (order: {small}, {int} bytes)",
		"Memory: {int}k/{int}k available ({int}k kernel code, {int}k reserved, {int}k data)",
		"Calibrating delay loop... {float} BogoMIPS",
		"CPU: L1 I cache: {small}K, L1 D cache: {small}K",
		"CPU: L2 cache: {small}K",
		"Checking 'hlt' instruction... OK.",
		"audit: initializing netlink socket (disabled)",
		"audit({float}:0): initialized",
		"md: autorun ...",
		"md: ... autorun DONE.",
		"Freeing unused kernel memory: {int}k freed",
		"EXT3-fs: mounted filesystem with ordered data mode.",
		"kjournald starting.  Commit interval {small} seconds",
		"SELinux:  Disabled at runtime.",
		"SELinux:  Unregistering netfilter hooks",
		"eth{small}: link up, {small}Mbps, full-duplex, lpa {hex}",
		"eth{small}: no link during initialization.",
		"Adding {int}k swap on {path}.  Priority:{neg} extents:{small}",
		"parport0: PC-style at {hex} [PCSPP,EPP]",
		"Console: colour VGA+ {small}x{small}",
		"Real Time Clock Driver v{float}",
		"Non-volatile memory driver v{float}",
		"serio: i8042 AUX port at {hex},{hex} irq {small}",
		"serio: i8042 KBD port at {hex},{hex} irq {small}",
		"input: AT keyboard on isa/serio{small}",
		"input: PS/2 mouse on isa/serio{small}",
		"Uniform Multi-Platform E-IDE driver Revision: {float}",
		"hda: {int} sectors ({int} MB) w/{int}KiB Cache, CHS={int}/{int}/{int}",
		"cpuspeed startup succeeded",
		"crond startup succeeded",
		"sendmail startup succeeded",
		"Removing netfilter NETLINK layer.",
		"Kernel command line: ro root=LABEL=/ rhgb quiet",
		"Power management timer at {hex}",
		"Bringing up loopback interface:  succeeded",
		"Bringing up interface eth{small}:  succeeded",
		"Mounting local filesystems:  succeeded",
		"Enabling swap space:  succeeded",
		"Starting background readahead:  succeeded",
	}},
	{"settop box (held out)", []string{
		"visible is system.time.show",
		"visible is system.call.count gt {small}",
		"visible is system.charge.show",
		"setBrightness mode {small} value {int}",
		"getBrightness mode {small} value {int}",
		"HBM levelIn ={small}",
		"HBM levelOut ={small}",
		"isScreenOn={bool} by {class}",
		"Killing {int}:{class}/u0a{small} (adj {int}): empty #{small}",
		"Start proc {int}:{class}/u0a{small} for service {class}/.{verb}",
		"Process {class} (pid {int}) has died",
		"Receiver during timeout: Record{{hexshort} u0 {class}}",
		"getTasks: caller {int} does not hold REAL_GET_TASKS; limiting output",
		"Slow operation: {int}ms so far, now at startProcess: returned from zygote!",
		"Slow operation: {int}ms so far, now at startProcess: done updating battery stats",
		"cancelNotification,index:{neg}",
		"cancelNotification,cancelLocked,callingUid = {int},callingPid = {int}",
		"Text:{phrase}",
		"remove from window list",
		"add to window list, size {small}",
		"onConfigurationChanged: {{float} {small}mcc{small}mnc [en_US] ldltr sw{small}dp}",
	}},
	{"firewall (held out)", []string{
		"IN={iface} OUT= MAC={mac} SRC={ip} DST={ip} LEN={small} TOS=0x00 PROTO=TCP SPT={int} DPT={small} WINDOW={int} SYN URGP=0",
		"IN={iface} OUT= MAC={mac} SRC={ip} DST={ip} LEN={small} TOS=0x00 PROTO=UDP SPT={int} DPT={small} LEN={int}",
		"Built outbound TCP connection {int} for outside:{ipport} ({ipport}) to inside:{ipport} ({ipport})",
		"Teardown TCP connection {int} for outside:{ipport} to inside:{ipport} duration {clock} bytes {int} TCP FINs",
		"Teardown TCP connection {int} for outside:{ipport} to inside:{ipport} duration {clock} bytes {int} SYN Timeout",
		"Deny tcp src outside:{ipport} dst inside:{ipport} by access-group \"{acl}\" [{hex}, {hex}]",
		"Interface {iface}, changed state to up",
		"Interface {iface}, changed state to down",
		"User {user} from {ip} executed: {phrase}",
		"neighbor {ip} is down: holding time expired",
		"neighbor {ip} is up: new adjacency",
		"Login denied from {ip} to outside:{ip} for user \"{user}\"",
		"License expires in {small} days",
	}},
	{"build runner (held out)", []string{
		"Running step {small} of {small}: {phrase}",
		"Step '{phrase}' succeeded after {dur}",
		"Step '{phrase}' failed with exit code {small}",
		"Downloaded artifact {file} ({float} MB) from {url}",
		"Cache restored from key: {svc}-{hexshort}",
		"Cache not found for input keys: {svc}-{hexshort}, {svc}-",
		"Job {svc} queued by {user}",
		"Job {svc} picked up by runner {hostd}",
		"Job {svc} cancelled by {user}",
		"Test {class}.{verb} passed in {dur}",
		"Test {class}.{verb} failed in {dur}",
		"warning: unused variable '{word}' at {path}:{int}:{int}",
		"Uploading {int} files to {url}",
		"The runner has received a shutdown signal.",
	}},
	{"message broker (held out)", []string{
		"accepting connection <{float}.0> ({ipport} -> {ipport})",
		"connection <{float}.0> ({ipport} -> {ipport}): user '{user}' authenticated and granted access to vhost '{svc}'",
		"closing connection <{float}.0> ({ipport} -> {ipport}, vhost: '{svc}', user: '{user}')",
		"closing connection <{float}.0> ({ipport} -> {ipport}): client unexpectedly closed TCP connection",
		"Mirrored queue '{svc}.{table}' in vhost '{svc}': Adding mirror on node bus@{host1}: <{float}.0>",
		"[Consumer clientId={svc}-{small}, groupId={svc}] Resetting offset for partition {table}-{small} to offset {int}.",
		"[Consumer clientId={svc}-{small}, groupId={svc}] Revoke previously assigned partitions {parts}",
		"[Consumer clientId={svc}-{small}, groupId={svc}] (Re-)joining group",
		"[GroupCoordinator {small}]: Preparing to rebalance group {svc} in state PreparingRebalance with old generation {small} (reason: {reason})",
		"[GroupCoordinator {small}]: Stabilized group {svc} generation {small} with {small} members",
		"[Log partition={table}-{small}, dir={path}] Rolled new log segment at offset {int} in {small} ms.",
		"[Log partition={table}-{small}, dir={path}] Deleting segment LogSegment(baseOffset={int}, size={int}, lastModifiedTime={int})",
		"memory resource limit alarm set on node bus@{host1}",
		"memory resource limit alarm cleared on node bus@{host1}",
		"Feature flag {acl} enabled",
	}},
	{"application with a logger name (held out)", []string{
		"{date3} INFO {logger} - Order {int} placed by {user} for {float} EUR",
		"{date3} INFO {logger} - Sending mail '{phrase}' to {email}",
		"{date3} WARNING {logger} - Slow query ({float}s): SELECT * FROM {table} WHERE id={int}",
		"{date3} ERROR {logger} - Payment for order {int} declined: insufficient funds",
		"{date3} ERROR {logger} - Payment for order {int} declined: card expired",
		"{date3} INFO {logger} - Session of {user} expired",
		"{date3} INFO {logger} - Session of {user} renewed",
		"{date3} DEBUG {logger} - Loaded {int} {table} in {dur}",
		"{date3} ERROR {logger} - Could not reach {host}: [Errno 111] Connection refused",
		"{date3} ERROR {logger} - Could not reach {host}: timed out",
		"{date3} INFO {logger} - Worker {small} started with config {'debug': {bool}, 'level': {int}, 'name': '{svc}'}",
		"{date3} CRITICAL {logger} - Out of disk space",
	}},
}

var seenOnce = []style{
	{"mail relay (seen once)", []string{
		"{qid}: from=<{email}>, size={int}, nrcpt={small} (queue active)",
		"{qid}: to=<{email}>, relay={host}[{ip}]:25, delay={float}, delays={float}/{float}/{float}/{float}, dsn=2.0.0, status=sent (250 ok)",
		"{qid}: to=<{email}>, relay=none, delay={float}, delays={float}/{float}/{float}/{float}, dsn=4.4.1, status=deferred (connect to {host}[{ip}]:25: timed out)",
		"connect from {host}[{ip}]",
		"disconnect from {host}[{ip}]",
		"{qid}: removed",
		"{qid}: client={host}[{ip}]",
		"warning: hostname {host} does not resolve to address {ip}",
		"lost connection after {DATA|RCPT|AUTH|CONNECT|EHLO|STARTTLS} from {host}[{ip}]",
		"statistics: max connection rate {int}/60s for (smtp:{ip}) at {date}",
		"{qid}: message-id=<{hex}@{host}>",
		"fatal: cannot open map {path}",
	}},
	{"container orchestrator (seen once)", []string{
		"Pulling image \"{image}\"",
		"Successfully pulled image \"{image}\" in {dur}",
		"Created container {svc}",
		"Started container {svc}",
		"Killing container {svc} of pod {svc}-{hex}",
		"Readiness probe failed: HTTP probe failed with statuscode: {int}",
		"Liveness probe failed: Get \"{url}\": context deadline exceeded",
		"Back-off restarting failed container {svc} in pod {svc}-{hex}",
		"Successfully assigned {svc}/{svc}-{hex} to {hostd}",
		"Scaled up replica set {svc}-{hex} to {small} from {small}",
		"Scaled down replica set {svc}-{hex} to {small} from {small}",
		"node {hostd} status is now: NodeReady",
		"node {hostd} status is now: NodeNotReady",
		"volume \"{svc}-data\" {attached|detached} for pod {svc}-{hex}",
		"evicting pod {svc}-{hex} because of memory pressure",
		"lease lost by {hostd}, shutting the scheduler down",
	}},
	{"game server (seen once)", []string{
		"{user} joined the game",
		"{user} left the game",
		"{user} was slain by {user}",
		"{user} has made the advancement [{phrase}]",
		"<{user}> {phrase}",
		"{user}[/{ipport}] logged in with entity id {int} at ({float}, {float}, {float})",
		"Can't keep up! Is the server overloaded? Running {int}ms or {small} ticks behind",
		"Saving chunks for level '{phrase}'",
		"{user} lost connection: {phrase}",
		"Preparing spawn area: {small}%",
		"Done ({float}s)! For help, type \"help\"",
	}},
}

var styles = []style{
	{"block store", []string{
		"Receiving chunk chk_{neg} src: /{ipport} dest: /{ipport}",
		"Responder {small} for chunk chk_{neg} terminating",
		"Stored chunk chk_{neg} src: /{ipport} dest: /{ipport} of size {int}",
		"Received chunk chk_{neg} of size {int} from /{ip}",
		"CHUNK* Namer.addStored: map updated: {ipport} is added to chk_{neg} size {int}",
		"CHUNK* Namer.allocate: {path}. chk_{neg}",
		"CHUNK* ask {ipport} to delete {chunks}",
		"CHUNK* ask {ipport} to replicate chk_{neg} to node(s) {ips}",
		"Deleting chunk chk_{neg} file {path}",
		"Verification succeeded for chk_{neg}",
		"{ipport} Served chunk chk_{neg} to /{ip}",
		"{ipport}:Got exception while serving chk_{neg} to /{ip}:",
		"writeChunk chk_{neg} received exception io.IOException: Could not read from stream",
		"Unexpected error trying to delete chunk chk_{neg}. Info not found in map.",
	}},
	{"batch cluster", []string{
		"attempt_{id} Attempt moved from NEW to UNASSIGNED",
		"attempt_{id} Attempt moved from UNASSIGNED to ASSIGNED",
		"attempt_{id} Attempt moved from ASSIGNED to RUNNING",
		"attempt_{id} Attempt moved from RUNNING to SUCCEEDED",
		"Address change seen. Old: {host}/{ipport} New: {host}:{int}",
		"Retrying connect to server: {hostp}. Already tried {small} time(s); policy is MaxCountFixedSleep(max={small}, sleep={int} MILLISECONDS)",
		"Progress of attempt_{id} is : {float}",
		"Failed to renew lease for [client_{id}] for {int} seconds.  Will retry shortly ...",
		"Resolved {host} to /default-rack",
		"Registering class {class} for class {class}",
		"Recalculating schedule, headroom=<memory:{int}, vCores:{neg}>",
		"Before Scheduling: Pending:{small} Scheduled:{small} Assigned:{small} HostLocal:{small}",
		"After Scheduling: Pending:{small} Scheduled:{small} Assigned:{small} HostLocal:{small}",
		"Report from attempt_{id}: Container killed by the master.",
		"Added attempt_{id} to list of failed maps",
		"ERROR IN CONTACTING MASTER. ",
		"Opening proxy : {hostp}",
		"Launching container_{id} taskAttempt attempt_{id}",
		"Cleaning container_{id} taskAttempt attempt_{id}",
		"loaded properties from metrics.properties",
	}},
	{"data engine", []string{
		"Found block rdd_{small}_{small} locally",
		"Finished task {small}.0 in stage {small}.0 (TID {int}). {int} bytes result sent to driver",
		"Running task {small}.0 in stage {small}.0 (TID {int})",
		"Got assigned task {int}",
		"Started reading broadcast variable {small}",
		"Reading broadcast variable {small} took {small} ms",
		"Block broadcast_{small} stored as values in memory (estimated size {float} KB, free {float} {KB|MB|GB})",
		"Block broadcast_{small}_piece0 stored as bytes in memory (estimated size {float} KB, free {float} {KB|MB|GB})",
		"Input split: hdfs://{ipport}{path}:{int}+{int}",
		"Times: total = {small}, boot = {neg}, init = {small}, finish = {small}",
		"ensureFree({int}) called with curMem={int}, maxMem={int}",
		"Saved output of task 'attempt_{id}' to hdfs://{ipport}{path}",
		"{class} is deprecated. Instead, use {class}",
		"Changing view acls to: {users}",
		"authentication disabled; ui acls disabled; users with view permissions: Set({users}); users with modify permissions: Set({users})",
		"Connecting to driver: data://Scheduler@{ipport}",
		"Successfully registered with driver",
	}},
	{"coordinator", []string{
		"Received connection request /{ipport}",
		"Closed socket connection for client /{ipport} which had sessionid {hex}",
		"Closed socket connection for client /{ipport} (no session established for client)",
		"Accepted socket connection from /{ipport}",
		"Notification time out: {int}",
		"Established session {hex} with negotiated timeout {int} for client /{ipport}",
		"Client attempting to establish new session at /{ipport}",
		"Expiring session {hex}, timeout of {int}ms exceeded",
		"Connection broken for id {int}, my id = {small}, error =",
		"Notification: {small} (leader), {hex} (zxid), {hex} (round), {LOOKING|FOLLOWING|LEADING} (state), {small} (sid), {LOOKING|FOLLOWING|LEADING} (my state)",
		"Interrupting SendWorker",
		"Send worker leaving thread",
		"Interrupted while waiting for message on queue",
		"Cannot open channel to {small} at election address /{ipport}",
		"caught end of stream exception",
		"Processed session termination for sessionid: {hex}",
		"Got user-level exception when processing sessionid:{hex} type:create cxid:{hex} zxid:{hex} reqpath:n/a Error Path:{path} Error:Code = NodeExists for {path}",
		"tickTime set to {int}",
		"FOLLOWING",
		"LOOKING",
	}},
	{"supercomputer", []string{
		"generating core.{int}",
		"{int} double-hummer alignment exceptions",
		"CE sym {small}, at {hex}, mask {hex}",
		"instruction cache parity error corrected",
		"data cache parity error corrected",
		"total of {small} ddr error(s) detected and corrected",
		"ciod: failed to read message prefix on control stream (CioStream socket to {ipport}",
		"ciod: Error loading {path}: invalid or missing program image, No such file or directory",
		"ciod: Error loading {path}: invalid or missing program image, Exec format error",
		"ciod: Error creating node map from file {path}: No child processes",
		"ciod: LOGIN chdir({path}) failed: No such file or directory",
		"ciod: LOGIN chdir({path}) failed: Input/output error",
		"fpr{small}={hex} {rawhex} {rawhex} {rawhex}",
		"rts: kernel terminated for reason {int}",
		"data TLB error interrupt",
		"data storage interrupt",
		"machine check interrupt (unit={hex} bit={hex}): L2 dcache unit data parity error",
		"external input interrupt (unit={hex} bit={hex}): number of corrected SRAM errors has exceeded threshold",
		"Midplane controller performing bit sparing on R{small}-M0-L{small}-U{small}-A bit {small}",
		"Node card VPD check: missing {hexword} node, VPD ecid {hex}",
		"Lustre mount FAILED : bglio{small} : block_id : location",
	}},
	{"hpc nodes", []string{
		"Link error on broadcast tree Interconnect-0T00:00:{small}:{small}",
		"Temperature ({small}C) exceeds warning threshold",
		"ambient={small}",
		"boot (command {int})",
		"halt (command {int})",
		"Fan speeds ( {fans} )",
		"node node-{small} has detected an available network connection on network {ip} via interface {alt|ee|fs}0",
		"Targeting domains:node-D{small} and nodes:node-[{small}-{small}] child of command {int}",
		"Component State Change: Component \"SCSI-WWID:{uuid}\" is in the unavailable state (HWID={int})",
		"Component State Change: Component \"alt{small}\" is in the available state (HWID={int})",
		"running running",
		"not responding",
		"configured out",
		"psu failure\\ambient={small}",
		"A file system domain panic has occurred on storage{small}",
		"There is no server for file system domain storage{small}",
		"Linkerror event interval expired",
	}},
	{"login farm", []string{
		"session opened for user {user} by (uid={small})",
		"session closed for user {user}",
		"({user}) CMD (run-parts {path})",
		"check pass; user unknown",
		"authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost={hostd}",
		"authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost={hostd}  user={user}",
		"connection from {ip} ([[{host}]]) at {date}",
		"data thread got no answer from any [{hostd}] source",
		"Did not receive identification string from ::ffff:{ip}",
		"synchronized to {ip}, stratum {small}",
		"from={user}, size={int}, class=0, nrcpts={small}, msgid=<{hex}@{host}>, relay={user}@localhost",
		"ALERT exited abnormally with [{small}]",
		"ANONYMOUS FTP LOGIN FROM {ip},  (anonymous)",
		"Authentication failed from {ip} ({hostd}): Permission denied in replay cache code",
		"cupsd startup succeeded",
		"cupsd shutdown succeeded",
		"syslogd startup succeeded",
		"DHCPREQUEST for {ip} from {mac} via eth{small}",
		"DHCPACK on {ip} to {mac} via eth{small}",
		"Memory: {int}k/{int}k available ({int}k kernel code, {int}k reserved)",
		"Linux version {float} ({email}) (gcc version {float})",
	}},
	{"update service", []string{
		"SQM: Initializing online with opt-in: {False|True}",
		"SQM: Failed to start upload with file pattern: {winpath}, flags: {hex} [HRESULT = {hex} - E_FAIL]",
		"SQM: Cleaning up report files older than {small} days.",
		"Loaded Stack v{ver} with Core: {winpath}",
		"Read out cached package applicability for package: Package_for_KB{int}~{hex}~amd{small}~~{ver}, ApplicableState: {int}, CurrentState:{int}",
		"Session: {int}_{int} initialized by client {AutoAgent|DeployTool}.",
		"Ending Worker finalization.",
		"Starting Worker finalization.",
		"Ending the main loop.",
		"Starting the main loop.",
		"Warning: Unrecognized packageExtended attribute.",
		"No startup processing required, installer service was not set as autostart",
		"{hex} Created NT transaction (seq {small}) result {hex}, handle @{hex}",
	}},
	{"phone system", []string{
		"acquire lock={int}, flags={hex}, tag=\"{phrase}\", name={class}, ws=null, uid={int}, pid={int}",
		"release:lock={int}, flg={hex}, tag=\"{phrase}\", name={class}\", ws=null, uid={int}, pid={int}",
		"ready={bool},policy={small},wakefulness={small},summary={hex},boot={bool},manual={small},auto={neg},adj={float}userId={small}",
		"setVisibility vis={hex} mask={rawhex} oldVal={int} newVal={int} bounds=Rect({small}, {small} - {small}, {small})",
		"Skipping AppToken{{hexshort} token=Token{{hexshort} Record{{hexshort} u0 {class}/{class} t{small}}}} -- going to hide",
		"freezingLogs opening app wtoken = AppToken{{hexshort} token=Token{{hexshort} Record{{hexshort} u0 {class}/{class} t{small}}}}, allDrawn= {bool}, startingDisplayed =  {bool}, relaunching =  {bool}",
		"updateClipping isOverlap:{bool}, getTopPadding()={float}, Translation:{float}",
		"startAnimation begin",
		"startAnimation end",
		"Destroying surface Surface(name={class}) called by {class}:{int} {class}:{int} {class}:{int}",
		"animateCollapse:flags={small}, force={bool}, delayed={bool}, expanded={bool}",
		"interceptKey keycode={small} screenIsOn={bool} keyguardActive={bool}",
		"Bring to front failed: {phrase}",
		"userActivityNoUpdateLocked: eventTime={int}, event={small}, flags={hex}, uid={int}",
		"notifyUiVisibilityChanged:vis={hex}, SystemUiVisibility:{hex}",
	}},
	{"fitness app", []string{
		"onStandStepChanged {int}",
		"onExtend:{int} {small} {small} {small}",
		"getTodaySteps = {int}##{int}##{int}##{int}##{int}##{int}",
		"setTodaySteps={int}##{int}##{int}##{int}##{int}##{int}",
		"calculateCaloriesWithCache totalCalories={int}",
		"calculateAltitudeWithCache totalAltitude={int}",
		"REPORT : {int} {int} {int} {int}",
		"onReceive action: fit.intent.action.SCREEN_ON",
		"onReceive action: fit.intent.action.SCREEN_OFF",
		"handleBroadcast action:fit.intent.action.TIME_TICK",
		"flush sensor data",
		"screen status unknown,think screen on",
		"upLoadHealthData type is  {small}  timeZone is GMT+{small}",
		"saveHealthDetail() saveOneDetail fail hiHealthData = {int},type = {int}",
		"bulkSave() size = {int} totalTime = {int}",
		"getBinderPackageName packageName = {class}",
	}},
	{"web server", []string{
		"jk_init() Found child {int} in slot {small}",
		"workerEnv.init() ok {path}",
		"mod_jk child workerEnv in error state {small}",
		"[client {ip}] Directory index forbidden by rule: {path}",
		"jk_init() Can't find child {int} in slot",
		"mod_jk child init {small} {neg}",
		"[client {ip}] File does not exist: {path}",
	}},
	{"proxy client", []string{
		"{hostp} open through proxy {hostp} HTTPS",
		"{hostp} close, {int} bytes[[ ({float} KB)]] sent, {int} bytes[[ ({float} MB)]] received, lifetime {clock}",
		"{hostp} open through proxy {hostp} SOCKS5",
		"{hostp} open directly",
		"{hostp} error : Could not connect through proxy {hostp} - Proxy server cannot establish a connection with the target, status code {int}",
		"{hostp} error : Could not connect to {hostp} - connection attempt failed with error {int}",
		"{hostp} error : A connection request was canceled before the completion.",
	}},
	{"secure shell", []string{
		"Failed password for {user} from {ip} port {int} ssh2",
		"Failed password for invalid user {user} from {ip} port {int} ssh2",
		"Invalid user {user} from {ip}",
		"input_userauth_request: invalid user {user} [preauth]",
		"pam_unix(sshd:auth): check pass; user unknown",
		"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={hostd}",
		"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={hostd}  user={user}",
		"Received disconnect from {ip}: 11: Bye Bye [preauth]",
		"Received disconnect from {ip}: 11: Closed due to user request. [preauth]",
		"Connection closed by {ip} [preauth]",
		"reverse mapping checking getaddrinfo for {host} [{ip}] failed - POSSIBLE BREAK-IN ATTEMPT!",
		"Accepted password for {user} from {ip} port {int} ssh2",
		"error: Received disconnect from {ip}: 3: {class}: Auth fail [preauth]",
		"message repeated {small} times: [ Failed password for {user} from {ip} port {int} ssh2]",
		"PAM {small} more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={hostd}  user={user}",
		"Too many authentication failures for {user} [preauth]",
		"fatal: Read from socket failed: Connection reset by peer [preauth]",
		"Did not receive identification string from {ip}",
		"pam_unix(sshd:session): session opened for user {user} by (uid=0)",
		"pam_unix(sshd:session): session closed for user {user}",
	}},
	{"cloud compute", []string{
		"{ip} \"GET /v2/{hex}/servers/detail HTTP/1.1\" status: {int} len: {int} time: {float}",
		"{ip} \"POST /v2/{hex}/os-events HTTP/1.1\" status: {int} len: {int} time: {float}",
		"{ip} \"DELETE /v2/{hex}/servers/{uuid} HTTP/1.1\" status: {int} len: {int} time: {float}",
		"[instance: {uuid}] VM Started (Lifecycle Event)",
		"[instance: {uuid}] VM Paused (Lifecycle Event)",
		"[instance: {uuid}] VM Resumed (Lifecycle Event)",
		"[instance: {uuid}] During sync the instance has a pending task (spawning). Skip.",
		"[instance: {uuid}] During sync the instance has a pending task (deleting). Skip.",
		"[instance: {uuid}] Took {float} seconds to build instance.",
		"[instance: {uuid}] Took {float} seconds to spawn the instance on the hypervisor.",
		"[instance: {uuid}] Took {float} seconds to destroy the instance on the hypervisor.",
		"[instance: {uuid}] Total memory: {int} MB, used: {float} MB",
		"[instance: {uuid}] Total disk: {int} GB, used: {float} GB",
		"[instance: {uuid}] memory limit: {float} MB, free: {float} MB",
		"[instance: {uuid}] vcpu limit not specified, defaulting to unlimited",
		"[instance: {uuid}] disk limit not specified, defaulting to unlimited",
		"[instance: {uuid}] Creating image",
		"[instance: {uuid}] Terminating instance",
		"[instance: {uuid}] Claim successful",
		"image {uuid} at ({path}): checking",
		"image {uuid} at ({path}): in use: on this node {small} local, {small} on other nodes sharing this storage",
		"Active base files: {path}",
		"HTTP exception thrown: No instances found for any event",
		"Creating event network-vif-plugged:{uuid} for instance {uuid}",
	}},
	{"laptop", []string{
		"ARPT: {float}: AirDrv::syncPowerState: WWEN[enabled]",
		"ARPT: {float}: wl0: MDNS: {small} SRV Recs, {small} TXT Recs",
		"ARPT: {float}: AirDrv::powerChange: System Sleep",
		"ARPT: {float}: AirDrv::powerChange: System Wake - Full Wake/ Dark Wake / Maintenance wake",
		"en0: BSSID changed to {mac}",
		"en0: channel changed to {small}",
		"in6_unlink_ifa: IPv6 address {hex} has no prefix",
		"Wake reason: {ARPT|RTC|EHC} (Network)",
		"Sandbox: {svc}({int}) deny({small}) mach-lookup {class}",
		"Thermal pressure state: {small} Memory pressure state: {small}",
		"Unexpected payload found for message {small}, dataLen {small}",
		"Connection to {class} failed: {phrase}",
		"Captive: CNPluginHandler en0: Inactive",
		"Captive: CNPluginHandler en0: Evaluating",
		"Unable to bootstrap_look_up port with name .gsEvents({int}): unknown error code ({int})",
		"-[SOAppleIDServer connect]_block_invoke: lookup returned 'MALFORMED {phrase}'",
		"USBMSC Identifier (non-unique): {hex} {hex} {hex}",
		"network changed: DNS* Proxy",
		"PM response took {int} ms ({int}, powerd)",
	}},
	{"whole syslog line", []string{
		"{date3} {host1} sshd(pam_unix)[{int}]: session opened for user {user} by (uid={small})",
		"{date3} {host1} sshd(pam_unix)[{int}]: session closed for user {user}",
		"{date3} {host1} kernel: eth{small}: link up, {int}Mbps",
		"{date3} {host1} kernel: eth{small}: link down",
		"{date3} {host1} crond[{int}]: ({user}) CMD ({path})",
		"{date3} {host1} ntpd[{int}]: synchronized to {ip}, stratum {small}",
		"{date3} {host1} named[{int}]: client {ip}#{int}: query: {host} IN {A|AAAA|MX|TXT}",
		"{date3} {host1} systemd[1]: Started {phrase}.",
		"{date3} {host1} systemd[1]: Stopped {phrase}.",
		"{date3} {host1} kernel: Out of memory: Killed process {int} ({svc})",
	}},
	{"json service", []string{
		"request completed {\"method\":\"{GET|POST|PUT}\",\"path\":\"{path}\",\"status\":{int},\"ms\":{float}}",
		"request failed {\"method\":\"{GET|POST|PUT}\",\"path\":\"{path}\",\"error\":\"{phrase}\"}",
		"cache miss for key {svc}:{user}:{int}",
		"cache hit for key {svc}:{user}:{int}",
		"user {user} logged in from {ip}",
		"user {user} logged out",
		"payment {id} accepted: amount={float} currency={EUR|USD|GBP|CHF|SEK}",
		"payment {id} rejected: amount={float} currency={EUR|USD|GBP|CHF|SEK}",
		"published event {OrderPlaced|OrderPaid|OrderShipped|CartEmptied|UserAdded} to topic {svc} partition={small} offset={int}",
		"job {svc} finished in {dur}",
		"job {svc} started",
		"retrying call to {svc} (attempt {small} of {small})",
		"connection pool exhausted: size={small} waiting={small} timeout={dur}",
		"circuit breaker for {svc} opened",
		"circuit breaker for {svc} closed",
		"feature flag {svc} is {true|false} for tenant {user}",
		"shutting down",
	}},
	{"proxy client, whole line", []string{
		"[{float} {clockn}] chrome.exe[[ *64]] - {hostp} open through proxy {hostp} HTTPS",
		"[{float} {clockn}] chrome.exe[[ *64]] - {hostp} close, {int} bytes[[ ({float} KB)]] sent, {int} bytes[[ ({float} MB)]] received, lifetime {clock}",
		"[{float} {clockn}] Mail.exe - {hostp} open directly",
	}},
	{"cloud compute, whole line", []string{
		"api.log.1.2026-05-16_13:53:08 2026-05-16 {clockn}.{int} {int} INFO api.wsgi.server [req-{uuid} {uuid} {uuid} - - -] {ip} \"GET /v2/{uuid}/servers/detail HTTP/1.1\" status: {int} len: {int} time: {float}",
		"api.log.1.2026-05-16_13:53:08 2026-05-16 {clockn}.{int} {int} INFO api.wsgi.server [req-{uuid} {uuid} {uuid} - - -] {ip} \"POST /v2/{uuid}/os-events HTTP/1.1\" status: {int} len: {int} time: {float}",
		"compute.log.1.2026-05-16_13:55:31 2026-05-16 {clockn}.{int} {int} INFO compute.manager [-] [instance: {uuid}] VM Started (Lifecycle Event)",
		"compute.log.1.2026-05-16_13:55:31 2026-05-16 {clockn}.{int} {int} INFO compute.manager [req-{uuid} - - - - -] [instance: {uuid}] VM Paused (Lifecycle Event)",
		"compute.log.1.2026-05-16_13:55:31 2026-05-16 {clockn}.{int} {int} WARNING compute.cache [req-{uuid} - - - - -] Unknown base file: {path}",
		"compute.log.1.2026-05-16_13:55:31 2026-05-16 {clockn}.{int} {int} INFO compute.claims [req-{uuid} {uuid} {uuid} - - -] [instance: {uuid}] Claim successful",
	}},
	{"block store, whole line", []string{
		"{int} {int} {int} INFO store.Node$Responder: Responder {small} for chunk chk_{neg} terminating",
		"{int} {int} {int} INFO store.Namer: CHUNK* Namer.addStored: map updated: {ipport} is added to chk_{neg} size {int}",
		"{int} {int} {int} INFO store.Node$Receiver: Receiving chunk chk_{neg} src: /{ipport} dest: /{ipport}",
		"{int} {int} {int} WARN store.Node$Receiver: Receiving chunk chk_{neg} src: /{ipport} dest: /{ipport} failed",
		"{int} {int} {int} INFO store.Data: Deleting chunk chk_{neg} file {path}",
		"{int} {int} {int} INFO store.Namer: CHUNK* ask {ipport} to delete {chunks}",
	}},
	{"scheduler", []string{
		"mapRequest:<memory:{int}, vCores:{small}>",
		"reduceRequest:<memory:{int}, vCores:{small}>",
		"maxCapability: <memory:{int}, vCores:{small}>",
		"queue: default",
		"acquire lock={int}, flags={hex}, tag=\"{phrase}\", name={class}, ws={source}, uid={int}",
		"Launching with args=[{users}] env={HOME=/root} in {path}",
		"Failed login for {root|alice} from {ip}",
		"Message code {small} is not {small} or {int}",
		"state changed: {svc} is up",
		"state changed: {svc} is down",
		"Job {phrase} finished in {dur}",
		"Rejected: {phrase}",
		"Opening connection to {host}:{int}",
		"Closing connection to {host}:{int}",
	}},
	{"traces", []string{
		"unhandled error in {svc}\nio.shop.EmptyCart: no item {int}\n\tat app.shop.Cart.add(Cart.java:{int})\n\tat app.shop.Main.run(Main.java:{int})",
		"unhandled error in {svc}\nio.bank.Refused: {phrase}\n\tat app.bank.Pay.charge(Pay.java:{int})\n\tat app.shop.Main.run(Main.java:{int})",
		"Traceback (most recent call last):\n  File \"{path}\", line {int}, in handle\n    load(x)\nValueError: bad value {int}",
		"Traceback (most recent call last):\n  File \"{path}\", line {int}, in connect\n    dial(x)\nTimeoutError: timed out after {float} seconds",
		"TypeError: Cannot read property {int}\n    at render ({path}:{int}:{int})\n    at main ({path}:{int}:{int})",
		"TypeError: Cannot read property {int}\n    at checkout ({path}:{int}:{int})\n    at main ({path}:{int}:{int})",
		"worker {small} ready",
		"handled request {uuid} in {dur}",
	}},
	{"database", []string{
		"duration: {float} ms  statement: SELECT * FROM {table} WHERE id = {int}",
		"checkpoint starting: time",
		"checkpoint starting: xlog",
		"checkpoint complete: wrote {int} buffers ({float}%); write={float} s, sync={float} s, total={float} s",
		"connection received: host={ip} port={int}",
		"connection authorized: user={user} database={table}",
		"disconnection: session time: {clock} user={user} database={table} host={ip} port={int}",
		"could not serialize access due to concurrent update",
		"deadlock detected",
		"canceling statement due to statement timeout",
		"canceling statement due to user request",
		"duplicate key value violates unique constraint \"{table}_pkey\"",
		"relation \"{table}\" does not exist at character {small}",
		"automatic vacuum of table \"shop.public.{table}\": index scans: {small}",
		"automatic analyze of table \"shop.public.{table}\"",
		"temporary file: path \"{path}\", size {int}",
		"role \"{user}\" does not exist",
		"password authentication failed for user \"{user}\"",
		"terminating connection due to administrator command",
		"out of shared memory",
	}},
}

// line makes one line of a template.
func (v vocabulary) line(template string) string {
	var b strings.Builder
	for i := 0; i < len(template); {
		switch {
		case strings.HasPrefix(template[i:], "[[") && strings.Contains(template[i:], "]]"):
			end := i + strings.Index(template[i:], "]]")
			if v.Intn(2) == 0 {
				b.WriteString(v.line(template[i+2 : end]))
			}
			i = end + 2
		case template[i] == '{':
			end := i + strings.IndexByte(template[i:], '}')
			if value, ok := v.value(template[i+1 : max(end, i+1)]); ok {
				b.WriteString(value)
				i = end + 1
				continue
			}
			fallthrough
		default:
			b.WriteByte(template[i])
			i++
		}
	}
	return b.String()
}

type vocabulary struct{ *rand.Rand }

var (
	userNames  = strings.Fields("root root root root root alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor walter admin guest oracle postgres ftpuser nagios")
	hostNames  = strings.Fields("mail.example.org web.example.com ns.marigold.net gate.alpine.ch relay.fjord.no db.inner.lan cache.inner.lan proxy.campus.edu www.garden.io api.harbor.dev static.meadow.fr ads.tracker.biz news.daily.info login.bank.co")
	services   = strings.Fields("cart orders checkout billing search catalog shipping inventory accounts gateway mailer reports pricing reviews")
	tables     = strings.Fields("orders users items carts payments sessions events prices stock reviews")
	phraseBag  = strings.Fields("view lock audio mix dim screen late night run quick brown fox over lazy dog out of time slot gone away too soon broken pipe stone age monster hunter diamonds end remote party idle")
	classNames = strings.Fields("org.acme.app.MainActivity com.tools.net.Dialer io.shop.cart.CartView org.acme.ui.TopBar com.tools.db.Pool net.play.video.Player app.core.Events com.chat.room.Feed io.shop.pay.Charge org.maps.view.Tile")
	dirs       = strings.Fields("var usr home data opt lib cache users tmp mnt www html conf logs images static shop cart")
)

func (v vocabulary) of(list []string) string { return list[v.Intn(len(list))] }

func (v vocabulary) many(n int, sep, name string) string {
	parts := make([]string, 1+v.Intn(n))
	for i := range parts {
		parts[i], _ = v.value(name)
	}
	return strings.Join(parts, sep)
}

func (v vocabulary) value(name string) (string, bool) {
	if strings.ContainsAny(name, "\"{ ") {
		return "", false
	}
	if strings.Contains(name, "|") {
		return v.of(strings.Split(name, "|")), true
	}
	switch name {
	case "int":
		return fmt.Sprint(v.Intn(1 << uint(4+v.Intn(26)))), true
	case "small":
		return fmt.Sprint(v.Intn(40)), true
	case "neg":
		return fmt.Sprint(v.Int63() - v.Int63()), true
	case "float":
		return fmt.Sprintf("%.2f", v.Float64()*float64(v.Intn(1000))), true
	case "hex":
		return fmt.Sprintf("0x%x", v.Int63()), true
	case "rawhex":
		return v.of([]string{"ffffffff", "00000000", fmt.Sprintf("%08x", v.Uint32())}), true
	case "hexword":
		return v.of([]string{"a", "b", "deadbeef", "c0ffee"}), true
	case "hexshort":
		return fmt.Sprintf("%07x", v.Intn(1<<28)), true
	case "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", v.Uint32(), v.Intn(1<<16), v.Intn(1<<12), v.Intn(1<<12), v.Int63n(1<<48)), true
	case "id":
		return fmt.Sprintf("%d_%04d_m_%06d_0", 1445000000000+v.Int63n(1e9), v.Intn(100), v.Intn(1000)), true
	case "qid":
		return fmt.Sprintf("%X%c%X", v.Intn(1<<20), 'A'+rune(v.Intn(6)), 1<<16+v.Intn(1<<20)), true
	case "ip":
		return fmt.Sprintf("10.%d.%d.%d", v.Intn(256), v.Intn(256), v.Intn(256)), true
	case "ipport":
		return fmt.Sprintf("10.%d.%d.%d:%d", v.Intn(256), v.Intn(256), v.Intn(256), 1024+v.Intn(60000)), true
	case "ips":
		return v.many(3, " ", "ipport"), true
	case "chunks":
		return "chk_" + v.many(20, " chk_", "neg"), true
	case "host":
		return v.of(hostNames), true
	case "host1":
		return "combo", true
	case "hostp":
		return v.of(hostNames) + ":" + fmt.Sprint(v.of([]string{"80", "443", "5070"})), true
	case "hostd":
		return v.of([]string{v.of(hostNames), fmt.Sprintf("host%d.%s", v.Intn(99), v.of(hostNames)), fmt.Sprintf("10.1.%d.%d", v.Intn(256), v.Intn(256))}), true
	case "user":
		return v.of(userNames), true
	case "users":
		return v.many(3, ", ", "user"), true
	case "svc":
		return v.of(services), true
	case "image":
		return v.of(services) + ":" + v.of([]string{"latest", "v1.2.3", "stable"}), true
	case "table":
		return v.of(tables), true
	case "email":
		return v.of(userNames) + "@" + v.of(hostNames), true
	case "class":
		return v.of(classNames), true
	case "phrase":
		return v.many(4, " ", "word"), true
	case "word":
		return v.of(phraseBag), true
	case "path":
		var b strings.Builder
		for range 2 + v.Intn(4) {
			b.WriteString("/" + v.of(dirs))
		}
		if v.Intn(2) == 0 {
			fmt.Fprintf(&b, "/part-%05d", v.Intn(1000))
		}
		return b.String(), true
	case "winpath":
		return `C:\Windows\` + v.of(dirs) + `\` + v.of(dirs) + v.of([]string{".dll", "_std.sqm"}), true
	case "url":
		return "http://" + v.of(hostNames) + "/" + v.of(dirs), true
	case "ver":
		return fmt.Sprintf("6.1.%d.%d", 7000+v.Intn(900), v.Intn(30000)), true
	case "mac":
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", v.Intn(256), v.Intn(256), v.Intn(256), v.Intn(256), v.Intn(256), v.Intn(256)), true
	case "dur":
		return fmt.Sprintf("%d%s", v.Intn(900), v.of([]string{"ms", "s", "µs"})), true
	case "clock":
		return v.of([]string{"<1 sec", fmt.Sprintf("%02d:%02d", v.Intn(60), v.Intn(60)), fmt.Sprintf("%02d:%02d:%02d", v.Intn(24), v.Intn(60), v.Intn(60))}), true
	case "iface":
		return v.of([]string{"eth0", "eth1", "wan", "GigabitEthernet0/1"}), true
	case "acl":
		return v.of([]string{"outside_in", "guest_acl", "dmz_in"}), true
	case "file":
		return v.of(services) + v.of([]string{".tar.gz", ".zip", "-1.2.whl"}), true
	case "verb":
		return v.of([]string{"testAdd", "testRemove", "testEmpty", "shouldFail", "shouldRetry", "roundTrip"}), true
	case "parts":
		return v.many(4, ", ", "table"), true
	case "reason":
		return v.of([]string{"Adding new member with group instance id None", "removing member on LeaveGroup", "heartbeat expired"}), true
	case "logger":
		return "app.core.main", true
	case "source":
		return v.of([]string{"null", "WorkSource{10113}", "WorkSource{10071 com.x}"}), true
	case "clockn":
		return fmt.Sprintf("%02d:%02d:%02d", v.Intn(24), v.Intn(60), v.Intn(60)), true
	case "date":
		return fmt.Sprintf("%s %s %2d %02d:%02d:%02d 2026", v.of([]string{"Mon", "Tue", "Sun"}), v.of([]string{"Jun", "Jul"}), 1+v.Intn(30), v.Intn(24), v.Intn(60), v.Intn(60)), true
	case "date3":
		return fmt.Sprintf("%s %2d %02d:%02d:%02d", v.of([]string{"Jun", "Jul", "Aug"}), 1+v.Intn(30), v.Intn(24), v.Intn(60), v.Intn(60)), true
	case "fans":
		var parts []string
		for range 6 {
			parts = append(parts, v.of([]string{"****", fmt.Sprint(3000 + v.Intn(900)), fmt.Sprint(3000 + v.Intn(900))}))
		}
		return strings.Join(parts, " "), true
	case "bool":
		return v.of([]string{"true", "false"}), true
	}
	return "", false
}

// lines writes n lines of a style, and which template each is of.
func (s style) lines(n int, seed int64) (lines []string, truth []int) {
	v := vocabulary{rand.New(rand.NewSource(seed))}
	weights := make([]float64, len(s.templates)-1)
	total := 0.0
	for i := range weights {
		weights[i] = 1 / float64(i+2)
		total += weights[i]
	}
	for range n - 1 {
		at, pick := 0, v.Float64()*total
		for at < len(weights)-1 && pick >= weights[at] {
			pick -= weights[at]
			at++
		}
		lines, truth = append(lines, v.line(s.templates[at])), append(truth, at)
	}
	return append(lines, v.line(s.templates[len(s.templates)-1])), append(truth, len(s.templates)-1)
}
