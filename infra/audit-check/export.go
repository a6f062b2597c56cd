package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const format = "tsunagu-log/1"

// edge holds the newest full subtree of every level: all that appending a record and taking the root read.
type edge map[int]struct {
	number int64
	hash   tlog.Hash
}

func (e edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, number := tlog.SplitStoredHashIndex(index)
		newest, ok := e[level]
		if !ok || newest.number != number {
			return nil, fmt.Errorf("hash %d/%d is not on the edge", level, number)
		}
		hashes[i] = newest.hash
	}
	return hashes, nil
}

func (e edge) add(number int64, leaf []byte) error {
	hashes, err := tlog.StoredHashesForRecordHash(number, tlog.RecordHash(leaf), e)
	if err != nil {
		return err
	}
	for level, hash := range hashes {
		e[level] = struct {
			number int64
			hash   tlog.Hash
		}{number >> level, hash}
	}
	return nil
}

// marker is what the lines that are no events hold.
type marker struct {
	Export, End, Service string
	Log, Position        int64
	Events, Heads        int64
	Head                 *string
	Size                 int64
	Hashes               *string
}

// checkExport works out every leaf and every head's root anew. The hashes in the export are not looked at.
func checkExport(file string, keys note.Verifiers) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer opened.Close()
	unzipped, err := gzip.NewReader(opened)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(unzipped, 1<<20)
	tree := edge{}
	var header, end *marker
	var events, heads, signed int64
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil {
			return err
		}
		line = line[:len(line)-1]
		if end != nil {
			return errors.New("the export goes on after its end")
		}
		if header == nil {
			header = &marker{}
			if err := json.Unmarshal(line, header); err != nil || header.Export != format {
				return errors.New("not an export")
			}
			continue
		}
		if bytes.HasPrefix(line, []byte(`{"actor":`)) {
			position, err := positionOf(line)
			if err != nil || position != events+1 {
				return fmt.Errorf("position %d stands where %d is due", position, events+1)
			}
			if err := tree.add(events, line); err != nil {
				return err
			}
			events++
			continue
		}
		var other marker
		if err := json.Unmarshal(line, &other); err != nil {
			return err
		}
		switch {
		case other.Head != nil:
			if err := checkHead(*other.Head, tree, events, signed, header, keys); err != nil {
				return err
			}
			signed = events
			heads++
		case other.End == format:
			end = &other
		case other.Hashes == nil:
			return errors.New("a line that no export holds")
		}
	}
	if end == nil || end.Events != events || end.Heads != heads {
		return errors.New("the export is cut")
	}
	if header.Position != events {
		return fmt.Errorf("the log ends at position %d, the export at %d", header.Position, events)
	}
	root, err := tlog.TreeHash(events, tree)
	if err != nil {
		return err
	}
	fmt.Printf("%s/%d: %d events, %d signed heads, root %s\n", header.Service, header.Log, events, heads, root)
	return nil
}

func checkHead(text string, tree edge, events, signed int64, header *marker, keys note.Verifiers) error {
	origin, head, err := openHead(text, keys)
	if err != nil {
		return err
	}
	if suffix := fmt.Sprintf("/%s/%d", header.Service, header.Log); !bytes.HasSuffix([]byte(origin), []byte(suffix)) {
		return fmt.Errorf("a head of %s", origin)
	}
	if head.N != events || head.N <= signed {
		return fmt.Errorf("a head of %d leaves stands behind %d events", head.N, events)
	}
	root, err := tlog.TreeHash(events, tree)
	if err != nil {
		return err
	}
	if root != head.Hash {
		return fmt.Errorf("what stands at positions %d to %d is not what the head of %d leaves was signed over", signed+1, events, events)
	}
	return nil
}

func positionOf(leaf []byte) (int64, error) {
	var event struct {
		Position *int64 `json:"position"`
	}
	if err := json.Unmarshal(leaf, &event); err != nil {
		return 0, err
	}
	if event.Position == nil {
		return 0, errors.New("an event without a position")
	}
	return *event.Position, nil
}
