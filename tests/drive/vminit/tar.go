package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
)

// writeTar packs a folder; names are relative to it.
func writeTar(w io.Writer, root string) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	pack := tar.NewWriter(zip)
	err = filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		return addFile(pack, root, path, info)
	})
	if err == nil {
		err = pack.Close()
	}
	if err == nil {
		err = zip.Close()
	}
	return err
}

func addFile(pack *tar.Writer, root, path string, info os.FileInfo) error {
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err = pack.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(pack, f)
	return err
}
