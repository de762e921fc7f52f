// The bed: a real control plane and a kubelet whose containers are processes of this machine. One program, so that its parts
// share code in memory. People call it through `cargo xtask bed`.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"filbert.dev/tests/bed/cluster"
	"filbert.dev/tests/bed/components"
	"filbert.dev/tests/bed/kubelet"
)

// settings of the commands that bring up a bed or look at one.
type settings struct {
	folder  cluster.Folder
	options cluster.Options
	rest    []string
}

var commands = map[string]func(settings) error{
	"up": func(s settings) error {
		if err := cluster.Up(s.folder, s.options, func(step string) { fmt.Fprintln(os.Stderr, "bed:", step) }); err != nil {
			return err
		}
		fmt.Println(s.folder.Kubeconfig())
		return nil
	},
	"down": func(s settings) error {
		wasThere, err := cluster.Down(s.folder)
		if err == nil && !wasThere {
			fmt.Fprintln(os.Stderr, "bed: none in", s.folder)
		}
		return err
	},
	"status": func(s settings) error { return cluster.Status(s.folder, os.Stdout) },
	"exec": func(s settings) error {
		if len(s.rest) == 0 {
			return errUsage
		}
		program, err := os.Executable()
		if err != nil {
			return err
		}
		return cluster.Exec(s.folder, filepath.Dir(program), s.rest)
	},
	"component": func(s settings) error {
		if len(s.rest) != 2 {
			return errUsage
		}
		return cluster.Component(s.folder, s.rest[0], s.rest[1])
	},
	"check":     func(settings) error { return cluster.Prerequisites() },
	"supervise": func(s settings) error { return cluster.Supervise(s.folder, s.options) },
}

var errUsage = errors.New("usage: bed up|down|status|check|exec COMMAND...|component NAME start|stop|kill|pause|resume")

func main() {
	if len(os.Args) < 2 {
		cluster.Report(os.Stderr, errUsage)
		os.Exit(2)
	}
	name, arguments := os.Args[1], os.Args[2:]
	if component, ok := components.Programs[name]; ok {
		os.Exit(component(arguments))
	}
	if name == "kubelet" {
		os.Exit(kubelet.Main(arguments))
	}
	command, ok := commands[name]
	if !ok {
		cluster.Report(os.Stderr, errUsage)
		os.Exit(2)
	}
	parsed, err := parse(name, arguments)
	if err == nil {
		err = command(parsed)
	}
	if err != nil {
		cluster.Report(os.Stderr, err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func parse(name string, arguments []string) (settings, error) {
	program, err := os.Executable()
	if err != nil {
		return settings{}, err
	}
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	folder := flags.String("folder", "", "where the bed keeps everything")
	nodes := flags.Int("nodes", 3, "how many nodes it has")
	images := flags.String("images", "", "which command stands for which image")
	sandbox := flags.String("sandbox", filepath.Join(filepath.Dir(program), "sandbox"), "the program that containers begin with")
	if err := flags.Parse(arguments); err != nil {
		return settings{}, err
	}
	if *nodes < 1 || *nodes > 200 {
		return settings{}, fmt.Errorf("a bed has 1 to 200 nodes, not %d", *nodes)
	}
	// Processes of the bed do not work where we do.
	for _, path := range []*string{images, sandbox} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return settings{}, err
		}
	}
	made := settings{options: cluster.Options{Nodes: *nodes, Images: *images, Sandbox: *sandbox}, rest: flags.Args()}
	made.folder, err = cluster.OpenFolder(*folder)
	return made, err
}
