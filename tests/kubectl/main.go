// The real kubectl, of a pinned version, for the tests of the embedded API server.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		// Ends the process with the exit code that belongs to the error.
		util.CheckErr(err)
	}
	os.Exit(0)
}
