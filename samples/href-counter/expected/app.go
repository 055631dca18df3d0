// href-counter counts the links of a web page, those within its site and those that leave it.
//
// The page comes from the file named as the argument, or from standard input. It prints one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Counts is what the program prints.
type Counts struct {
	Internal int `json:"internal"`
	External int `json:"external"`
}

var (
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
	link    = regexp.MustCompile(`(?is)<a\s[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
)

func count(page string) Counts {
	var counts Counts
	for _, match := range link.FindAllStringSubmatch(comment.ReplaceAllString(page, ""), -1) {
		target := strings.ToLower(strings.TrimSpace(match[1] + match[2] + match[3]))
		switch {
		case strings.HasPrefix(target, "http://"), strings.HasPrefix(target, "https://"), strings.HasPrefix(target, "//"):
			counts.External++
		default:
			counts.Internal++
		}
	}
	return counts
}

func read(arguments []string) ([]byte, error) {
	if len(arguments) == 0 {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(arguments[0])
}

func main() {
	page, err := read(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "href-counter:", err)
		os.Exit(1)
	}
	line, err := json.Marshal(count(string(page)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "href-counter:", err)
		os.Exit(1)
	}
	fmt.Println(string(line))
}
