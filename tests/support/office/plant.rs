//! The waterworks: the operator's station asks the controllers for their values, second by second.

use super::Habits;
use super::messages::small;
use super::session::Session;
use super::town::Town;
use super::wire::{HOUR, Host, Nanos, SECOND};

const MODBUS: u16 = 502;

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    let operator = town.operator;
    for (plant, pause) in town.plants.clone().into_iter().zip([SECOND, 5 * SECOND]) {
        poll(habits, (operator, plant), pause);
    }
}

fn poll(habits: &mut Habits, (operator, plant): (Host, Host), pause: Nanos) {
    let mut session: Option<Session> = None;
    let (mut id, mut level) = (0u16, 2_000u16);
    let mut adjusted = 0;
    habits.add("polls", move |now, place, chance| {
        let client = place.port(operator);
        let wire = &mut place.wire;
        let mut own =
            session.take().unwrap_or_else(|| Session::open(wire, now, client, (plant, MODBUS)));
        own.wait_until(now);
        id = id.wrapping_add(1);
        level = level.wrapping_add(chance.below(7) as u16).wrapping_sub(3);
        let values: Vec<u8> = (0..10u16).flat_map(|n| (level + n).to_be_bytes()).collect();
        let ask = small::modbus(id, &[3, 0, 0, 0, 10]);
        own.ask(wire, &ask, &small::modbus(id, &[&[3, 20][..], &values].concat()));
        // Twice a day the operator sets a level by hand.
        if now / (4 * HOUR) != adjusted {
            if adjusted > 0 {
                id = id.wrapping_add(1);
                let set = small::modbus(id, &[6, 0, 100, 7, 208]);
                own.ask(wire, &set, &set);
            }
            adjusted = now / (4 * HOUR);
        }
        own.settle(wire);
        session = Some(own);
        now + pause
    });
}
