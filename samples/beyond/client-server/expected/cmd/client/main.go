package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	address := "http://localhost:8080/"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	response, err := http.Get(address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer response.Body.Close()
	io.Copy(os.Stdout, response.Body)
}
