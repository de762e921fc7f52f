//! One instance sees no byte of another.

use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::{Engine, Store};

use crate::settings::config;

/// Instantiations, over three slots and four modules, so that each slot is reused by the same and by other modules.
const INSTANTIATIONS: u32 = 30_000;

/// Looks through all of its memory for a byte that it was not born with, then scatters bytes over it, some on pages it has
/// to grow for. `data` is what it was born with; the modules differ in it.
fn component(data: char) -> String {
    let data = data.to_string().repeat(64);
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 4 24)
                (data (i32.const 70000) "{data}")
                (global $sum (mut i64) (i64.const 0))
                (func $word (param $at i32) (result i64) (i64.load (local.get $at)))
                ;; The sum of all words: that of the data, unless something else is there.
                (func (export "look") (result i64) (local $at i32) (local $end i32)
                    (local.set $end (i32.mul (memory.size) (i32.const 65536)))
                    (loop $next
                        (global.set $sum (i64.add (global.get $sum) (call $word (local.get $at))))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
                    (global.get $sum))
                (func (export "scatter") (param $seed i32) (local $left i32) (local $end i32)
                    (drop (memory.grow (i32.and (local.get $seed) (i32.const 15))))
                    (local.set $end (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))
                    (local.set $left (i32.const 200))
                    (loop $next
                        (local.set $seed (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
                        (i64.store (i32.rem_u (local.get $seed) (local.get $end)) (i64.const -1))
                        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                        (br_if $next (local.get $left)))))
            (core instance $i (instantiate $m))
            (func (export "look") (result s64) (canon lift (core func $i "look")))
            (func (export "scatter") (param "seed" u32) (canon lift (core func $i "scatter"))))"#
    )
}

/// The sum of the words of `data` as `component` lays it out.
fn born_with(data: char) -> i64 {
    let word = i64::from_le_bytes([u8::try_from(data).expect("an ASCII letter"); 8]);
    (0..8).fold(0_i64, |sum, _| sum.wrapping_add(word))
}

#[test]
fn an_instance_finds_nothing_of_those_before_it() {
    let engine = Engine::new(&config(3, 4 << 20)).expect("an engine");
    let linker = Linker::<()>::new(&engine);
    let modules: Vec<(char, InstancePre<()>)> = ['p', 'q', 'r', 's']
        .into_iter()
        .map(|data| {
            let component = Component::new(&engine, component(data)).expect("it compiles");
            (data, linker.instantiate_pre(&component).expect("it imports nothing"))
        })
        .collect();
    // Two stay alive beside the one that is made, so that slots change hands in no fixed order.
    let mut alive: Vec<(Store<()>, Instance)> = Vec::new();
    for number in 0..INSTANTIATIONS {
        let seed = number.wrapping_mul(2_654_435_761);
        let (data, module) = &modules[(seed >> 20) as usize % modules.len()];
        if alive.len() == 3 {
            drop(alive.swap_remove((seed >> 10) as usize % 3));
        }
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
        let instance = module.instantiate(&mut store).expect("a slot is free");
        let look = instance.get_typed_func::<(), (i64,)>(&mut store, "look").expect("it is exported");
        let (found,) = look.call(&mut store, ()).expect("it looks");
        assert_eq!(found, born_with(*data), "instantiation {number}");
        let scatter = instance.get_typed_func::<(u32,), ()>(&mut store, "scatter").expect("it is exported");
        scatter.call(&mut store, (seed,)).expect("it scatters");
        alive.push((store, instance));
    }
}
