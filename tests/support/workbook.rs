//! A workbook as a reviewer's program sees it: read with another library than the one that writes it, and filled in.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use calamine::{Data, Range, Reader as _, Xlsx};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// What is typed into a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Typed<'t> {
    Text(&'t str),
    Number(f64),
    /// With the result that a program has kept beside it.
    Formula(&'t str, &'t str),
}

/// A workbook in memory.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    bytes: Vec<u8>,
}

impl Book {
    pub(crate) fn open(path: &Path) -> Self {
        Self::of(std::fs::read(path).expect("the workbook is there"))
    }

    pub(crate) const fn of(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn save(&self, path: &Path) {
        std::fs::write(path, &self.bytes).expect("the test's folder can be written");
    }

    fn read(&self) -> Xlsx<Cursor<&[u8]>> {
        Xlsx::new(Cursor::new(&self.bytes[..])).expect("a workbook that can be read")
    }

    pub(crate) fn sheets(&self) -> Vec<String> {
        self.read().sheet_names()
    }

    /// The cells of a sheet; the first is A1.
    pub(crate) fn cells(&self, sheet: &str) -> Range<Data> {
        let range = self.read().worksheet_range(sheet).unwrap_or_else(|error| panic!("sheet {sheet}: {error}"));
        let end = range.end().unwrap_or_default();
        range.range((0, 0), end)
    }

    /// Every formula of a sheet.
    pub(crate) fn formulas(&self, sheet: &str) -> Vec<String> {
        let found = self.read().worksheet_formula(sheet).expect("a sheet that can be read");
        found.used_cells().map(|(_, _, text)| text.clone()).filter(|text| !text.is_empty()).collect()
    }

    /// A list by its head: each row as head → cell, down to the first empty row.
    pub(crate) fn list(&self, sheet: &str) -> Vec<BTreeMap<String, Data>> {
        let cells = self.cells(sheet);
        let mut rows = cells.rows();
        let heads: Vec<String> = rows.next().expect("a header").iter().map(ToString::to_string).collect();
        let full = rows.take_while(|row| row[0] != Data::Empty);
        full.map(|row| heads.iter().cloned().zip(row.iter().cloned()).collect()).collect()
    }

    /// `L2`: the cell below a head, in the row that has this text anywhere.
    pub(crate) fn place(&self, sheet: &str, id: &str, head: &str) -> String {
        let cells = self.cells(sheet);
        let at = |row: &[Data], text: &str| row.iter().position(|cell| *cell == Data::String(text.to_owned()));
        let col = at(cells.rows().next().expect("a header"), head).unwrap_or_else(|| panic!("{sheet}: no head {head}"));
        let row = cells.rows().position(|row| at(row, id).is_some()).unwrap_or_else(|| panic!("{sheet}: no row {id}"));
        let col = rust_xlsxwriter::utility::column_number_to_name(u16::try_from(col).expect("few columns"));
        format!("{col}{}", row + 1)
    }

    /// Types into the cell below a head, in the row of an id.
    pub(crate) fn fill(&mut self, sheet: &str, id: &str, head: &str, typed: Typed<'_>) {
        let place = self.place(sheet, id, head);
        self.fill_at(sheet, &place, typed);
    }

    pub(crate) fn fill_at(&mut self, sheet: &str, place: &str, typed: Typed<'_>) {
        let number = 1 + self.sheets().iter().position(|name| name == sheet).expect("a sheet of that name");
        let cell = match typed {
            Typed::Text(text) => {
                let text = text.replace('&', "&amp;").replace('<', "&lt;");
                format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
            }
            Typed::Number(number) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
            Typed::Formula(text, result) => {
                format!("<c r=\"{place}\" t=\"str\"><f>{text}</f><v>{result}</v></c>")
            }
        };
        self.change(&format!("xl/worksheets/sheet{number}.xml"), |xml| {
            let start = xml.find(&format!("<c r=\"{place}\"")).unwrap_or_else(|| panic!("{sheet}: no cell {place}"));
            let tag = start + xml[start..].find('>').expect("a tag ends") + 1;
            let end =
                if xml[..tag].ends_with("/>") { tag } else { tag + xml[tag..].find("</c>").expect("a cell ends") + 4 };
            format!("{}{cell}{}", &xml[..start], &xml[end..])
        });
    }

    /// Rewrites one part of the file.
    pub(crate) fn change(&mut self, part: &str, change: impl FnOnce(&str) -> String) {
        let mut parts = self.parts();
        let bytes = &mut parts.iter_mut().find(|(name, _)| name == part).expect("a part of that name").1;
        *bytes = change(std::str::from_utf8(bytes).expect("parts are XML")).into_bytes();
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            out.start_file(name, SimpleFileOptions::default()).expect("a new part");
            out.write_all(&bytes).expect("memory can be written");
        }
        self.bytes = out.finish().expect("memory can be written").into_inner();
    }

    /// Every part with its bytes, in the order of the file.
    pub(crate) fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let mut archive = ZipArchive::new(Cursor::new(&self.bytes[..])).expect("a workbook is a zip file");
        let count = archive.len();
        let read = |index| {
            let mut part = archive.by_index(index).expect("a part of the file");
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).expect("a part that can be read");
            (part.name().expect("a name in UTF-8").into_owned(), bytes)
        };
        (0..count).map(read).collect()
    }

    /// One part as text.
    pub(crate) fn part(&self, name: &str) -> String {
        let part = self.parts().into_iter().find(|(known, _)| known == name);
        String::from_utf8(part.unwrap_or_else(|| panic!("no part {name}")).1).expect("parts are XML")
    }
}
