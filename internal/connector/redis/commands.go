package redis

import (
	"fmt"
	"strconv"
	"strings"
)

// A rule is what we know of a command without asking a server. A command
// without a rule is asked of the server's own command table before it is sent.
type rule struct {
	refuse string                      // why it is never sent, with the bounded alternative; empty: it may be
	bound  func(args []argText) string // refuses arguments that make it unbounded; nil: always bounded
	size   string                      // the command that tells the size of the value at the first key, asked first
	admin  bool                        // not flagged readonly by servers, and known by us to change nothing
}

// argText is an argument at lint time: known, or a hole that is filled later.
type argText struct {
	text string
	hole bool
}

// containers are the commands whose second word names what they do.
var containers = map[string]bool{"acl": true, "client": true, "cluster": true, "command": true, "config": true,
	"function": true, "latency": true, "memory": true, "module": true, "object": true, "pubsub": true,
	"script": true, "slowlog": true, "xinfo": true, "xgroup": true, "debug": true}

// Bounds of one command of a fence. Own values: a reply of a thousand items is
// more than anyone reads, and less than a millisecond of the server's time.
const (
	maxItems  = 1000
	maxString = 64 << 10 // bytes
)

var (
	read  = rule{}
	admin = rule{admin: true}
)

func no(why string) rule { return rule{refuse: why} }

// rules is the table for fences. Names are in lower case, subcommands after a
// blank, as people write them.
var rules = map[string]rule{
	// State of the server.
	"ping": admin, "echo": admin, "time": admin, "info": admin, "role": admin, "lastsave": admin, "dbsize": read,
	"command": admin, "command count": admin, "command info": admin, "command list": admin,
	"config get": {admin: true}, "slowlog get": {admin: true, bound: slowlogGet}, "slowlog len": admin,
	"latency latest": admin, "latency history": admin, "latency doctor": admin, "latency histogram": admin,
	"memory stats": admin, "memory doctor": admin, "memory malloc-stats": admin, "memory usage": {bound: memoryUsage},
	"client list": admin, "client info": admin, "client id": admin, "client getname": admin,
	"acl whoami": admin, "acl log": {admin: true, bound: aclLog}, "acl cat": admin,
	"cluster info": admin, "cluster nodes": admin, "cluster slots": admin, "cluster shards": admin,
	"cluster myid": admin, "cluster keyslot": admin, "cluster countkeysinslot": admin,
	"pubsub numsub": admin, "pubsub numpat": admin, "module list": admin, "script exists": admin, "function stats": admin,
	// One key, bounded by itself.
	"exists": read, "type": read, "ttl": read, "pttl": read, "expiretime": read, "pexpiretime": read,
	"object encoding": read, "object freq": read, "object idletime": read, "object refcount": read,
	"strlen": read, "llen": read, "scard": read, "zcard": read, "hlen": read, "xlen": read, "hstrlen": read,
	"get": {size: "strlen"}, "mget": no("MGET can bring any amount: ask GET for each key, its size is looked at first"),
	"getrange": {bound: span(1, 2, maxString, "GETRANGE key 0 1023")}, "substr": {bound: span(1, 2, maxString, "GETRANGE key 0 1023")},
	"getbit": read, "hget": read, "hexists": read, "hmget": read, "sismember": read, "smismember": read,
	"zscore": read, "zmscore": read, "zrank": read, "zrevrank": read, "zcount": read, "zlexcount": read, "lindex": read,
	"randomkey": read, "xinfo stream": {bound: forbid("full", "leave FULL away")}, "xinfo groups": read, "xinfo consumers": read,
	"geodist": read, "geohash": read, "geopos": read,
	// Many items, bounded by an argument.
	"scan":  {bound: option("count", false, "")},
	"sscan": {bound: option("count", false, "")}, "hscan": {bound: option("count", false, "")}, "zscan": {bound: option("count", false, "")},
	"lrange":           {bound: span(1, 2, maxItems, "LRANGE key 0 99")},
	"zrange":           {bound: zrange},
	"zrevrange":        {bound: span(1, 2, maxItems, "ZREVRANGE key 0 99")},
	"zrangebyscore":    {bound: limit("ZRANGEBYSCORE key min max LIMIT 0 100")},
	"zrevrangebyscore": {bound: limit("ZREVRANGEBYSCORE key max min LIMIT 0 100")},
	"zrangebylex":      {bound: limit("ZRANGEBYLEX key min max LIMIT 0 100")}, "zrevrangebylex": {bound: limit("ZREVRANGEBYLEX key max min LIMIT 0 100")},
	"xrange": {bound: option("count", true, "XRANGE key - + COUNT 100")}, "xrevrange": {bound: option("count", true, "XREVRANGE key + - COUNT 100")},
	"xpending": read, "srandmember": {bound: counted(1)}, "hrandfield": {bound: counted(1)}, "zrandmember": {bound: counted(1)},
	"lpos": {bound: option("maxlen", true, "LPOS key element MAXLEN 1000")},
	// Refused, with what to ask instead.
	"keys":      no("KEYS walks the whole database and stops every client meanwhile: use SCAN 0 MATCH pattern COUNT 1000, or probe redis.keys"),
	"smembers":  no("SMEMBERS brings the whole set: use SCARD, or SSCAN key 0 COUNT 100"),
	"hgetall":   no("HGETALL brings the whole hash: use HLEN, HMGET key field…, or HSCAN key 0 COUNT 100"),
	"hkeys":     no("HKEYS brings the whole hash: use HLEN, or HSCAN key 0 COUNT 100"),
	"hvals":     no("HVALS brings the whole hash: use HLEN, or HSCAN key 0 COUNT 100"),
	"sort":      no("SORT reads the whole collection (and can store): use LRANGE key 0 99 or ZRANGE key 0 99"),
	"sort_ro":   no("SORT_RO reads the whole collection: use LRANGE key 0 99 or ZRANGE key 0 99"),
	"sinter":    no("SINTER reads whole sets: use SCARD and SISMEMBER"),
	"sunion":    no("SUNION reads whole sets: use SCARD and SISMEMBER"),
	"sdiff":     no("SDIFF reads whole sets: use SCARD and SISMEMBER"),
	"zinter":    no("ZINTER reads whole sets: use ZCARD and ZSCORE"),
	"zunion":    no("ZUNION reads whole sets: use ZCARD and ZSCORE"),
	"zdiff":     no("ZDIFF reads whole sets: use ZCARD and ZSCORE"),
	"lcs":       no("LCS costs the product of both lengths: use STRLEN and GETRANGE key 0 1023"),
	"dump":      no("DUMP brings the whole value: use TYPE and MEMORY USAGE key SAMPLES 5"),
	"bitcount":  no("BITCOUNT can read a whole value: use STRLEN, or GETBIT"),
	"bitpos":    no("BITPOS can read a whole value: use STRLEN, or GETBIT"),
	"geosearch": no("GEOSEARCH can visit the whole set: use ZCARD, GEOPOS or GEODIST"),
	"pfcount":   no("PFCOUNT writes the count that it computed back into the key: use TYPE and STRLEN"),
	"touch":     no("TOUCH changes when a key was last used, and with it what is evicted: use EXISTS"),
	"getex":     no("GETEX changes the time to live: use GET and TTL"),
	"getdel":    no("GETDEL deletes the key: use GET"),
	"getset":    no("GETSET writes: use GET"),
	"monitor":   no("MONITOR streams every command of every client, values included, and can halve the throughput: use probe redis.slowlog or redis.stats_delta"),
	"debug":     no("DEBUG can stop or crash the server: use MEMORY USAGE or OBJECT ENCODING"),
	"subscribe": no("SUBSCRIBE waits for ever: use PUBSUB NUMSUB channel"), "psubscribe": no("PSUBSCRIBE waits for ever: use PUBSUB NUMPAT"), "ssubscribe": no("SSUBSCRIBE waits for ever"),
	"pubsub channels": no("PUBSUB CHANNELS lists every channel: use PUBSUB NUMSUB channel or PUBSUB NUMPAT"),
	"blpop":           no("BLPOP waits, and takes the item away: use LLEN or LRANGE key 0 9"), "brpop": no("BRPOP waits, and takes the item away: use LLEN or LRANGE key -10 -1"),
	"xread": no("XREAD can wait: use XRANGE key - + COUNT 100 or XLEN"), "xreadgroup": no("XREADGROUP changes the group: use XPENDING key group or XINFO GROUPS key"),
	"wait": no("WAIT waits for replicas: use ROLE or probe redis.replication"), "waitaof": no("WAITAOF waits for the disk: use probe redis.persistence"),
	"eval": no("a script cannot be proved read-only: ask the commands by themselves"), "evalsha": no("a script cannot be proved read-only: ask the commands by themselves"),
	"eval_ro": no("a script runs without a bound: ask the commands by themselves"), "evalsha_ro": no("a script runs without a bound: ask the commands by themselves"),
	"fcall": no("a function cannot be proved read-only: ask the commands by themselves"), "fcall_ro": no("a function runs without a bound: ask the commands by themselves"),
	"config set": no("CONFIG SET changes the server: use CONFIG GET here, and an action redis.config_set to change"), "config resetstat": no("CONFIG RESETSTAT deletes the counters that are the evidence: use probe redis.stats_delta"), "config rewrite": no("CONFIG REWRITE writes a file on the server"),
	"slowlog reset": no("SLOWLOG RESET deletes evidence: use SLOWLOG GET 128"), "latency reset": no("LATENCY RESET deletes evidence: use LATENCY LATEST"),
	"memory purge": no("MEMORY PURGE changes the server: use MEMORY STATS"), "client kill": no("CLIENT KILL changes the server: use CLIENT LIST here, and an action redis.client_kill to change"), "client pause": no("CLIENT PAUSE stops every client"),
	"acl list": no("ACL LIST shows password hashes: use ACL WHOAMI"), "acl getuser": no("ACL GETUSER shows password hashes: use ACL WHOAMI"),
	"select": no("SELECT changes the connection for later questions: put the database into the target's url, or add a target"),
	"multi":  no("MULTI changes the connection: ask the commands one by one"), "auth": no("AUTH changes the connection: put the credentials into the target"), "hello": no("HELLO changes the connection"), "quit": no("QUIT closes the connection"), "reset": no("RESET changes the connection"),
	"save": no("SAVE stops the server until the disk has everything: use LASTSAVE or probe redis.persistence"), "bgsave": no("BGSAVE forks the server: use LASTSAVE or probe redis.persistence"), "bgrewriteaof": no("BGREWRITEAOF forks the server: use probe redis.persistence"),
	"flushdb": no("FLUSHDB deletes everything"), "flushall": no("FLUSHALL deletes everything"), "shutdown": no("SHUTDOWN stops the server"), "replicaof": no("REPLICAOF changes the server: use ROLE"), "slaveof": no("SLAVEOF changes the server: use ROLE"), "failover": no("FAILOVER changes the server: use ROLE"),
	"sync": no("SYNC makes the server send its whole data: use ROLE"), "psync": no("PSYNC makes the server send its whole data: use ROLE"),
}

// splitName separates what a command is called from its arguments.
func splitName(args []argText) (name string, rest []argText, ok bool) {
	if len(args) == 0 || args[0].hole {
		return "", nil, false
	}
	name, rest = strings.ToLower(args[0].text), args[1:]
	if containers[name] && len(rest) > 0 {
		if rest[0].hole {
			return name, nil, false
		}
		return name + " " + strings.ToLower(rest[0].text), rest[1:], true
	}
	return name, rest, true
}

// ruleFor finds the rule for a command. A container without a rule for its
// subcommand falls back to the rule for the whole container.
func ruleFor(name string) (rule, bool) {
	if r, ok := rules[name]; ok {
		return r, true
	}
	head, _, sub := strings.Cut(name, " ")
	if r, ok := rules[head]; ok && sub && r.refuse != "" {
		return r, true
	}
	return rule{}, false
}

// number reads an argument; ok is false for holes and for what is no number.
func number(a argText) (int64, bool) {
	if a.hole {
		return 0, false
	}
	n, err := strconv.ParseInt(a.text, 10, 64)
	return n, err == nil
}

// span bounds start and stop, which must count from the same end.
func span(i, j int, most int64, instead string) func([]argText) string {
	return func(args []argText) string {
		if len(args) <= j || args[i].hole || args[j].hole {
			return ""
		}
		from, okFrom := number(args[i])
		to, okTo := number(args[j])
		if okFrom && okTo && (from < 0) == (to < 0) && to-from < most {
			return ""
		}
		return fmt.Sprintf("from %s to %s can be everything: ask for at most %d, like %s", args[i].text, args[j].text, most, instead)
	}
}

// option bounds the number after a word like COUNT.
func option(name string, required bool, instead string) func([]argText) string {
	return func(args []argText) string {
		for i := 0; i+1 < len(args); i++ {
			if strings.EqualFold(args[i].text, name) && !args[i].hole {
				if args[i+1].hole {
					return ""
				}
				if n, ok := number(args[i+1]); !ok || n < 1 || n > maxItems {
					return fmt.Sprintf("%s %s: ask for 1 to %d", strings.ToUpper(name), args[i+1].text, maxItems)
				}
				return ""
			}
		}
		if required {
			return fmt.Sprintf("without %s it reads everything: write %s", strings.ToUpper(name), instead)
		}
		return ""
	}
}

// limit wants LIMIT offset count, as the sorted sets have it.
func limit(instead string) func([]argText) string {
	return func(args []argText) string {
		for i := 0; i+2 < len(args); i++ {
			if strings.EqualFold(args[i].text, "limit") && !args[i].hole {
				if args[i+1].hole || args[i+2].hole {
					return ""
				}
				from, ok1 := number(args[i+1])
				n, ok2 := number(args[i+2])
				if ok1 && ok2 && from >= 0 && from+n <= 10*maxItems && n >= 0 && n <= maxItems {
					return ""
				}
				return fmt.Sprintf("LIMIT %s %s is too much: ask for at most %d", args[i+1].text, args[i+2].text, maxItems)
			}
		}
		return "without LIMIT it can read everything: write " + instead
	}
}

func zrange(args []argText) string {
	for _, a := range args {
		if !a.hole && (strings.EqualFold(a.text, "byscore") || strings.EqualFold(a.text, "bylex")) {
			return limit("ZRANGE key min max BYSCORE LIMIT 0 100")(args)
		}
	}
	return span(1, 2, maxItems, "ZRANGE key 0 99")(args)
}

func counted(i int) func([]argText) string {
	return func(args []argText) string {
		if len(args) <= i || args[i].hole {
			return ""
		}
		if n, ok := number(args[i]); !ok || n > maxItems || n < -maxItems {
			return fmt.Sprintf("%s items are too many: ask for at most %d", args[i].text, maxItems)
		}
		return ""
	}
}

func forbid(word, instead string) func([]argText) string {
	return func(args []argText) string {
		for _, a := range args {
			if !a.hole && strings.EqualFold(a.text, word) {
				return strings.ToUpper(word) + " reads everything: " + instead
			}
		}
		return ""
	}
}

func slowlogGet(args []argText) string {
	if len(args) == 0 || args[0].hole {
		return ""
	}
	if n, ok := number(args[0]); !ok || n < 1 || n > maxItems {
		return fmt.Sprintf("SLOWLOG GET %s: ask for 1 to %d entries", args[0].text, maxItems)
	}
	return ""
}

func aclLog(args []argText) string {
	if len(args) > 0 && !args[0].hole && strings.EqualFold(args[0].text, "reset") {
		return "ACL LOG RESET deletes evidence: use ACL LOG 10"
	}
	return ""
}

func memoryUsage(args []argText) string {
	for i := 1; i+1 < len(args); i++ {
		if strings.EqualFold(args[i].text, "samples") && !args[i+1].hole {
			if n, ok := number(args[i+1]); !ok || n < 1 || n > 100 {
				return "SAMPLES " + args[i+1].text + " can visit every element: write MEMORY USAGE key SAMPLES 5"
			}
		}
	}
	return ""
}
