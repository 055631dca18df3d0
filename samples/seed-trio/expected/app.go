// Prints how many links a page has. The page comes from standard input.
package main

import (
	"fmt"
	"os"

	"golang.org/x/net/html"
)

func links(node *html.Node) int {
	found := 0
	if node.Type == html.ElementNode && node.Data == "a" {
		for _, attribute := range node.Attr {
			if attribute.Key == "href" {
				found++
			}
		}
	}
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		found += links(child)
	}
	return found
}

func main() {
	page, err := html.Parse(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(links(page))
}
