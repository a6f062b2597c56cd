// audit-check verifies exports and proofs of Tsunagu's logs a second time, with the Go project's own transparency library
// and nothing of Tsunagu's:
//
//	audit-check export FILE KEYS       leaves, root, every signed head
//	audit-check proof FILE KEYS        the answer of GET /campaign/v1/claims/{claimId}/proof
//	audit-check consistency FILE KEYS  { "first": note, "second": note, "proof": [base64] }
//
// KEYS holds C2SP verifier keys, one a line. The exit code is 1 where something does not hold, 2 for wrong usage.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	checks := map[string]func(string, note.Verifiers) error{
		"export": checkExport, "proof": checkProof, "consistency": checkConsistency,
	}
	if len(os.Args) != 4 || checks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: audit-check export|proof|consistency FILE KEYS")
		os.Exit(2)
	}
	keys, err := readKeys(os.Args[3])
	if err == nil {
		err = checks[os.Args[1]](os.Args[2], keys)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func readKeys(file string) (note.Verifiers, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var verifiers []note.Verifier
	for _, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verifier, err := note.NewVerifier(strings.TrimSpace(line))
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	return note.VerifierList(verifiers...), nil
}

// openHead gives the tree of a signed head and its origin, which must be the name of the key that signed it.
func openHead(text string, keys note.Verifiers) (string, tlog.Tree, error) {
	opened, err := note.Open([]byte(text), keys)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return "", tlog.Tree{}, errors.New("a head that its own key has not signed")
	}
	var tree tlog.Tree
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil || fmt.Sprint(tree.N) != lines[1] || tree.N < 0 {
		return "", tlog.Tree{}, errors.New("a head without a size")
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return "", tlog.Tree{}, err
	}
	return lines[0], tree, nil
}

func checkProof(file string, keys note.Verifiers) error {
	var answer struct {
		Events []struct {
			Origin, Leaf, Checkpoint string
			Position                 int64
			Proof                    []tlog.Hash
		}
	}
	if err := readJSON(file, &answer); err != nil {
		return err
	}
	if len(answer.Events) == 0 {
		return errors.New("no event in this proof")
	}
	for _, event := range answer.Events {
		origin, tree, err := openHead(event.Checkpoint, keys)
		if err != nil {
			return err
		}
		if origin != event.Origin {
			return fmt.Errorf("the head is one of %s, not of %s", origin, event.Origin)
		}
		if position, err := positionOf([]byte(event.Leaf)); err != nil || position != event.Position {
			return fmt.Errorf("the leaf is not the event at position %d", event.Position)
		}
		leaf := tlog.RecordHash([]byte(event.Leaf))
		if err := tlog.CheckRecord(event.Proof, tree.N, tree.Hash, event.Position-1, leaf); err != nil {
			return fmt.Errorf("%s position %d: %w", event.Origin, event.Position, err)
		}
		fmt.Printf("%s position %d stands in the log\n", event.Origin, event.Position)
	}
	return nil
}

func checkConsistency(file string, keys note.Verifiers) error {
	var answer struct {
		First, Second string
		Proof         []tlog.Hash
	}
	if err := readJSON(file, &answer); err != nil {
		return err
	}
	firstOrigin, first, err := openHead(answer.First, keys)
	if err != nil {
		return err
	}
	secondOrigin, second, err := openHead(answer.Second, keys)
	if err != nil {
		return err
	}
	if firstOrigin != secondOrigin {
		return errors.New("heads of two logs")
	}
	if err := tlog.CheckTree(answer.Proof, second.N, second.Hash, first.N, first.Hash); err != nil {
		return err
	}
	fmt.Printf("%s: the first %d of %d are the same\n", firstOrigin, first.N, second.N)
	return nil
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(text)).Decode(into)
}
