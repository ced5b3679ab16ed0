//! The tables by their names: of one kind of type, or of several, and the seed.

use anyhow::{Context, Result, bail};
use peregrine::stream::Table;
use peregrine_testkit::random::{RandomBatches, TypeKind};

/// How many tables each kind of type is tried with by itself.
pub(crate) const SEEDS_ALONE: u64 = 3;

/// How many tables of all kinds there are.
pub(crate) const SEEDS_TOGETHER: u64 = 100;

/// The name of a table of one kind of type, and of what that has to have beside it.
pub(crate) fn alone(kind: TypeKind, seed: u64) -> Vec<String> {
    vec!["alone".to_owned(), kind.to_string(), seed.to_string()]
}

/// The name of a table of these kinds.
pub(crate) fn together(kinds: &[TypeKind], seed: u64) -> Vec<String> {
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    vec!["together".to_owned(), kinds.join("+"), seed.to_string()]
}

/// The table of a name.
pub(crate) fn table(name: &[impl AsRef<str>]) -> Result<Table> {
    let name: Vec<&str> = name.iter().map(AsRef::as_ref).collect();
    let [how, kinds, seed] = name[..] else { bail!("{name:?} names no table") };
    let kinds: Vec<TypeKind> = kinds.split('+').map(kind_of).collect::<Result<_>>()?;
    // pyarrow calls the entries of maps and the run ends what it likes. It keeps the names of list items.
    let random = RandomBatches { standard_children: true, ..RandomBatches::new(seed.parse()?) };
    match (how, &kinds[..]) {
        ("together", _) => Ok(RandomBatches { kinds, ..random }.table()),
        ("alone", [kind]) => Ok(table_with(*kind, random).table()),
        _ => bail!("{name:?} names no table"),
    }
}

/// The first table of two columns that has the kind.
fn table_with(kind: TypeKind, random: RandomBatches) -> RandomBatches {
    let mut kinds = vec![kind, TypeKind::Int32];
    if kind == TypeKind::DictionaryOfNested {
        kinds.extend([TypeKind::List, TypeKind::DictionaryInt32]);
    }
    let random = RandomBatches { kinds, depth: 1, columns: 2..=2, batches: 2..=3, ..random };
    let mut seeds = random.seed * 1000..;
    let found = seeds.find(|seed| {
        let schema = RandomBatches { seed: *seed, ..random.clone() }.schema();
        TypeKind::of_schema(&schema).contains(&kind)
    });
    RandomBatches { seed: found.unwrap_or(random.seed), ..random }
}

fn kind_of(name: &str) -> Result<TypeKind> {
    TypeKind::ALL.iter().copied().find(|kind| kind.name() == name).with_context(|| format!("no kind named {name}"))
}
